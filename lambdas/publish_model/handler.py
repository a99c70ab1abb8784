"""Entry point of publication: the package's model folder, verified, at the serving prefix."""

from typing import Any

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.contracts.storage import Prefix
from configs.errors import ArtefactError
from lambdas.control import wiring
from lambdas.control.documents import listing, read_json
from lambdas.control.uris import Location, locate
from lambdas.stores.bounded import answering

MODEL = "model/"


def _verified(s3: Any, package: Location) -> Manifest:
    place = package / MANIFEST_NAME
    with answering(f"object {place}"):
        manifest = Manifest.parse(s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read())
    present = listing(s3, package)
    for entry in manifest.files:
        if present.get(entry.path) != entry.size:
            raise ArtefactError(
                f"{package}/{entry.path} is not the file in the manifest",
                remedy="run the stage again",
            )
    return manifest


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return `model_version`, `prefix` and `record_parts`.

    The model's own manifest is copied last: a reader that finds it finds everything.
    """
    s3 = wiring.client("s3")
    package = locate(event["package_uri"])
    manifest = _verified(s3, package)
    content = read_json(s3, package / "package.json")
    prefix = f"{Prefix.SERVING}{content['model_version']}/"
    names = [entry.path for entry in manifest.files if entry.path.startswith(MODEL)]
    last = f"{MODEL}{MANIFEST_NAME}"
    source_prefix = package.key.rstrip("/")
    for name in sorted(names, key=lambda path: (path == last, path)):
        with answering(f"object {package / name}"):
            s3.copy_object(
                Bucket=package.bucket,
                Key=prefix + name.removeprefix(MODEL),
                CopySource={"Bucket": package.bucket, "Key": f"{source_prefix}/{name}"},
            )
    return {
        "model_version": content["model_version"],
        "prefix": prefix,
        "record_parts": content["record_parts"],
    }
