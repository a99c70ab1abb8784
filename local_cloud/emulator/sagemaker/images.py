"""From an image to what it runs: its folder in `containers/` and that folder's entry point."""

import json
import re
from pathlib import Path
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.settings import ROOT

CONTAINERS = ROOT / "containers"
REPOSITORY = re.compile(r"^[^/]+/(?P<name>[^:@]+)")
ENTRYPOINT = re.compile(r"^ENTRYPOINT\s+(?P<argv>\[.*\])\s*$", re.MULTILINE)


def _tagged(repository: str, tag: str) -> str | None:
    records: dict[str, Any] = getattr(part("services.ecr"), "_repositories", {})
    record = records.get(repository) or {}
    tags = record.get("tags") or []
    pairs = tags.items() if isinstance(tags, dict) else ((t["Key"], t["Value"]) for t in tags)
    return next((str(value) for key, value in pairs if key == tag), None)


def image_folder(uri: str, tag: str) -> Path | None:
    """Return the folder of an image's source.

    The repository's tag names it; failing that, the last word of the repository's name.
    """
    found = REPOSITORY.match(uri)
    if found is None:
        return None
    words = re.split(r"[/_.-]", found["name"])
    for name in (_tagged(found["name"], tag), found["name"].rsplit("/", 1)[-1], words[-1]):
        if name and (CONTAINERS / name).is_dir():
            return CONTAINERS / name
    return None


def entrypoint(uri: str, tag: str) -> list[str]:
    """Return the entry point in the image's Dockerfile.

    Raises:
        ValueError: no folder belongs to the image, or its Dockerfile names no entry point.
    """
    folder = image_folder(uri, tag)
    if folder is None:
        raise ValueError(f"image {uri} belongs to no folder in {CONTAINERS.name}/")
    found = ENTRYPOINT.findall((folder / "Dockerfile").read_text())
    if not found:
        raise ValueError(f"{CONTAINERS.name}/{folder.name}/Dockerfile has no ENTRYPOINT")
    return [str(word) for word in json.loads(found[-1])]
