"""Copies of exactly the source files that a bundle or an image is made of, named by their hash."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"


def files_below(folder: str, pattern: str = "*.py") -> list[Path]:
    """Return the files below a folder of the checkout that match, sorted."""
    return sorted(
        path
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    )


def contents(paths: Iterable[Path]) -> dict[str, bytes]:
    """Return path below the checkout -> bytes."""
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def source_hash(files: Mapping[str, bytes], *parts: str) -> str:
    """Return the SHA-256 hex digest over paths, contents and further parts."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(part.encode() + b"\0")
    for path in sorted(files):
        hasher.update(path.encode() + b"\0" + hashlib.sha256(files[path]).digest())
    return hasher.hexdigest()


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def settle(temporary: Path, final: Path) -> None:
    """Move a finished folder to its name; where another process was first, its copy stays."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(temporary, final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(temporary)


def temporary_folder(beside: Path) -> Path:
    """Return a new empty folder on the same file system as `beside`."""
    folder = beside.parent / f".{beside.name}-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder
