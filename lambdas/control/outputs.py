"""A stage's output on S3 held against its manifest."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

from configs.contracts.artefacts import MANIFEST_NAME, FileEntry, Manifest
from configs.errors import ArtefactError
from lambdas.control.documents import listing, open_object, read_bytes
from lambdas.control.errors import BadInput
from lambdas.control.uris import Location
from lambdas.stores.bounded import answering

CHUNK_BYTES = 1 << 20


def read_manifest(s3: Any, output: Location) -> Manifest:
    """Return the manifest of an output.

    Raises:
        ArtefactError: there is none, or it was altered.
        StoreUnavailable: S3 does not answer.
    """
    try:
        return Manifest.parse(read_bytes(s3, output / MANIFEST_NAME))
    except BadInput as error:
        raise ArtefactError(
            f"the job did not finish: {error.problem}", remedy="start the run again"
        ) from error


def hold_listing(
    s3: Any, output: Location, manifest: Manifest, *, beside: Collection[str] = (MANIFEST_NAME,)
) -> None:
    """Check that exactly the manifest's files lie there, with their sizes.

    Args:
        beside: names of files that may lie there and are not in the manifest.

    Raises:
        ArtefactError: one is missing, of another size, or not in the manifest.
        StoreUnavailable: S3 does not answer.
    """
    present = listing(s3, output)
    for name in beside:
        present.pop(name, None)
    for entry in manifest.files:
        size = present.pop(entry.path, None)
        if size != entry.size:
            raise ArtefactError(
                f"{output}/{entry.path} has {size} bytes, the manifest says {entry.size}",
                remedy="start the run again",
            )
    if present:
        raise ArtefactError(
            f"{output} holds {len(present)} file(s) that are not in its manifest, "
            f"such as {min(present)}",
            remedy="start the run again",
        )


def _sha256(s3: Any, place: Location) -> str:
    hasher = hashlib.sha256()
    body = open_object(s3, place)
    with answering(f"object {place}"):
        for chunk in body.iter_chunks(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def hold_hashes(s3: Any, output: Location, entries: Iterable[FileEntry]) -> None:
    """Check the bytes of files. Raises ArtefactError, StoreUnavailable."""
    for entry in entries:
        if _sha256(s3, output / entry.path) != entry.sha256:
            raise ArtefactError(
                f"{output}/{entry.path} is not the file in the manifest: its bytes differ",
                remedy="start the run again",
            )


def smallest(entries: Iterable[FileEntry], limit_bytes: int) -> list[FileEntry]:
    """Return files from the smallest on, as many as have `limit_bytes` together."""
    chosen, total = [], 0
    for entry in sorted(entries, key=lambda row: (row.size, row.path)):
        total += entry.size
        if total > limit_bytes:
            break
        chosen.append(entry)
    return chosen
