"""Entry point of publication: the package's model folder, verified, at the serving prefix."""

from typing import Any

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.contracts.storage import Prefix
from configs.errors import ArtefactError
from lambdas.control import wiring
from lambdas.control.documents import PACKAGE_NAME, read_package
from lambdas.control.outputs import hold_hashes, hold_listing, read_manifest
from lambdas.control.uris import Location, locate
from lambdas.stores.bounded import answering

MODEL = "model/"
LAST = f"{MODEL}{MANIFEST_NAME}"
"""Copied last: a reader that finds the model's own manifest finds everything."""


def _verified(s3: Any, package: Location) -> Manifest:
    """Return the package's manifest after its documents and model were hashed."""
    manifest = read_manifest(s3, package)
    hold_listing(s3, package, manifest)
    paths = {entry.path for entry in manifest.files}
    if missing := {LAST, PACKAGE_NAME} - paths:
        raise ArtefactError(
            f"the package at {package} has no {', '.join(sorted(missing))}",
            remedy="run the stage `package` again",
        )
    hold_hashes(
        s3,
        package,
        [row for row in manifest.files if row.path.startswith(MODEL) or row.path == PACKAGE_NAME],
    )
    return manifest


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return `model_version`, `prefix` and `record_parts`; nothing is served by this alone.

    Raises:
        ArtefactError: the package is not what its manifest says; then nothing is copied.
        BadInput: `package.json` cannot be read, or names a part that the package has not.
        StoreUnavailable: S3 does not answer.
    """
    s3 = wiring.client("s3")
    package = locate(str(event.get("package_uri")))
    manifest = _verified(s3, package)
    content = read_package(s3, package)
    paths = {entry.path for entry in manifest.files}
    if lost := sorted(set(content.record_parts) - paths):
        raise ArtefactError(
            f"the package at {package} has no {', '.join(lost)}",
            remedy="run the stage `package` again",
        )
    prefix = f"{Prefix.SERVING}{content.model_version}/"
    source_prefix = package.key.rstrip("/")
    names = [path for path in paths if path.startswith(MODEL)]
    for name in sorted(names, key=lambda path: (path == LAST, path)):
        with answering(f"object {package / name}"):
            s3.copy_object(
                Bucket=package.bucket,
                Key=prefix + name.removeprefix(MODEL),
                CopySource={"Bucket": package.bucket, "Key": f"{source_prefix}/{name}"},
            )
    return {
        "model_version": content.model_version,
        "prefix": prefix,
        "record_parts": list(content.record_parts),
    }
