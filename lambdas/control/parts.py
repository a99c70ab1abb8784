"""What the hosts of a job left, each its part, made whole before it is committed.

Whoever reads a committed output finds one manifest and one document of checks, however many hosts
there were.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from configs.contracts.artefacts import (
    CHECKS_NAME,
    MANIFEST_NAME,
    FileEntry,
    Manifest,
    canonical_json,
)
from configs.contracts.parts import join_checks, join_manifests, parts_among
from configs.errors import ArtefactError
from lambdas.control.documents import listing, read_bytes, write_json
from lambdas.control.errors import BadInput
from lambdas.control.outputs import hold_hashes
from lambdas.control.uris import Location


@dataclass(frozen=True)
class Left:
    """What all hosts of a job left.

    Attributes:
        manifest: of all their files.
        parts: names of the manifests that it was joined from, `manifest.json` alone from one host.
    """

    manifest: Manifest
    parts: tuple[str, ...]

    @property
    def beside(self) -> tuple[str, ...]:
        """Names that may lie in the output beside the manifest's files."""
        whole = () if len(self.parts) == 1 else (MANIFEST_NAME, CHECKS_NAME)
        return (*self.parts, *whole)


def gather(s3: Any, output: Location) -> Left:
    """Return the manifest of an output over the parts of all hosts.

    Raises:
        ArtefactError: a host left none, one was altered, or they disagree.
        StoreUnavailable: S3 does not answer.
    """
    try:
        names = parts_among(listing(s3, output), MANIFEST_NAME)
        parts = [Manifest.parse(read_bytes(s3, output / name)) for name in names]
    except BadInput as error:
        raise ArtefactError(
            f"the job did not finish: {error.problem}", remedy="start the run again"
        ) from error
    return Left(join_manifests(parts), names)


def seal(s3: Any, output: Location, left: Left, *, gated: bool) -> Manifest:
    """Write the whole manifest and the whole checks where several hosts left parts of them.

    Repeating it writes the same bytes.

    Args:
        gated: whether a gate will read the output's checks.

    Raises:
        ArtefactError: a host left no checks, or other ones.
        StoreUnavailable: S3 does not answer.
    """
    if len(left.parts) == 1:
        return left.manifest
    files = {entry.path: entry for entry in left.manifest.files}
    if gated:
        names = parts_among(files, CHECKS_NAME)
        if len(names) != len(left.parts):
            raise ArtefactError(
                f"{len(names)} of {len(left.parts)} hosts left checks", remedy="run the stage again"
            )
        hold_hashes(s3, output, [files[name] for name in names])
        checks = join_checks([read_bytes(s3, output / name) for name in names])
        body = canonical_json(checks)
        files[CHECKS_NAME] = FileEntry(CHECKS_NAME, len(body), hashlib.sha256(body).hexdigest())
        write_json(s3, output / CHECKS_NAME, checks)
    whole = replace(left.manifest, files=tuple(files[path] for path in sorted(files)))
    write_json(s3, output / MANIFEST_NAME, whole.document)
    return whole
