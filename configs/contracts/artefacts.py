"""What every stage leaves behind: a manifest with the hashes of all its outputs, and checks."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from configs.errors import ArtefactError

MANIFEST_NAME = "manifest.json"
CHECKS_NAME = "checks.json"
SETTINGS_NAME = "settings.json"
CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no blanks, UTF-8, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 hex digest of a JSON value in canonical form."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 hex digest of a file, read in chunks."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


@dataclass(frozen=True)
class FileEntry:
    """One output file: path relative to the stage output, bytes, SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The list of a stage's outputs with what they were made from.

    `content_hash` covers files only, so two runs that made the same bytes agree on it although
    their run ids differ.
    """

    stage: str
    stage_key: str
    run_id: str
    config_hash: str
    code_version: str
    data_hash: str
    version: str
    files: tuple[FileEntry, ...] = field(default_factory=tuple)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the sorted (path, size, sha256) listing."""
        return digest([[entry.path, entry.size, entry.sha256] for entry in self.files])

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that `parse` reads."""
        return {**asdict(self), "content_hash": self.content_hash}

    def write(self, folder: Path, *, name: str = MANIFEST_NAME) -> Path:
        """Write the manifest into `folder` and return its path."""
        path = folder / name
        path.write_bytes(canonical_json(self.document))
        return path

    @staticmethod
    def parse(text: str | bytes) -> "Manifest":
        """Return the manifest in `text`. Raises ArtefactError when it is not one."""
        try:
            raw = json.loads(text)
            recorded = raw.pop("content_hash")
            raw["files"] = tuple(FileEntry(**entry) for entry in raw["files"])
            manifest = Manifest(**raw)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtefactError(
                f"not a stage manifest: {error}", remedy="run the stage again"
            ) from error
        if manifest.content_hash != recorded:
            raise ArtefactError(
                f"manifest of stage {manifest.stage} was altered: its content hash does not match",
                remedy="run the stage again",
            )
        return manifest

    def verify(self, folder: Path) -> None:
        """Check that `folder` holds these files. Raises ArtefactError at the first fault."""
        for entry in self.files:
            path = folder / entry.path
            if not path.is_file():
                raise ArtefactError(f"{path} is missing", remedy="run the stage again")
            if path.stat().st_size != entry.size or file_sha256(path) != entry.sha256:
                raise ArtefactError(
                    f"{path} is not the file in the manifest", remedy="run the stage again"
                )


def list_files(folder: Path, *, manifest: str = MANIFEST_NAME) -> tuple[FileEntry, ...]:
    """Return entries of all files below `folder` but the manifest, sorted by path."""
    return tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / manifest
    )


@dataclass(frozen=True)
class Check:
    """One measured condition that a gate reads.

    A gate passes when the file exists, parses, holds at least one check, and every blocking
    check has `passed`. `value` is None when it could not be measured, and such a check fails.
    """

    name: str
    passed: bool
    blocking: bool
    value: float | None
    bound: str
    detail: str


def write_checks(folder: Path, checks: list[Check], *, name: str = CHECKS_NAME) -> Path:
    """Write checks into `folder`; a check without a value is written as failed."""
    rows = [asdict(row) | {"passed": row.passed and row.value is not None} for row in checks]
    path = folder / name
    path.write_bytes(canonical_json({"checks": rows}))
    return path
