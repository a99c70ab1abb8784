"""Delivering source files: hashed, then uploaded once below a prefix named by the hash."""

from pathlib import Path
from typing import Any

from configs.contracts.artefacts import digest, file_sha256
from configs.contracts.storage import TRUTH_MARK, Prefix
from operations.access import OperationError


def source_files(folder: Path) -> list[Path]:
    """Return the files below `folder`, sorted.

    Raises:
        OperationError: there are none, or ground truth is among them.
    """
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    )
    if not files:
        raise OperationError(
            f"{folder} holds no files", remedy="name the folder with the source files by DATA="
        )
    for path in files:
        if path.name == TRUTH_MARK:
            raise OperationError(
                f"{path.parent} holds the ground truth of a synthetic bank",
                remedy="name the data folder alone by DATA=; ground truth is never delivered",
            )
    return files


def data_hash(folder: Path) -> str:
    """Return 24 hex digits over the (key, size, SHA-256) listing of the source files."""
    listing = [
        [path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)]
        for path in source_files(folder)
    ]
    return digest(listing)[:24]


def upload(s3: Any, *, bucket: str, folder: Path, hash_: str) -> str:
    """Upload the folder unless the same bytes are there already; return the URI of the prefix.

    The prefix is the hash of the content, so a file that exists with its size is the same file;
    an upload that was cut short is completed by the next one.

    Args:
        s3: a client.
        bucket: the lake.
        folder: what is delivered.
        hash_: its `data_hash`.
    """
    prefix = f"{Prefix.RAW}{hash_}/"
    present = {
        item["Key"]: item["Size"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in page.get("Contents", [])
    }
    for path in source_files(folder):
        key = prefix + path.relative_to(folder).as_posix()
        if present.get(key) != path.stat().st_size:
            s3.upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{prefix}"
