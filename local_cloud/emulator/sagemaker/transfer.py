"""Moving files between S3 and a job's folders, under the permissions of the job's role."""

import io
import shutil
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

CHUNK = 1 << 20


class TransferFailed(Exception):
    """Objects could not be read or written; the text is a failure reason as SageMaker words it."""


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of `s3://bucket/key`. Raises TransferFailed for anything else."""
    parsed = urlparse(uri)
    if parsed.scheme != "s3" or not parsed.netloc:
        raise TransferFailed(f"ClientError: {uri} is not an S3 address")
    return parsed.netloc, parsed.path.lstrip("/")


def local_name(key: str, prefix: str) -> str:
    """Return where an object found below `prefix` lands, relative to its folder."""
    if key == prefix:
        return key.rsplit("/", 1)[-1]
    if prefix and not prefix.endswith("/") and key.startswith(f"{prefix}/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


@dataclass
class Transfer:
    """Reads and writes of one job.

    Attributes:
        client: S3 client that acts as the job role.
        kms_key: key for what is written; empty for the bucket's default.
        sent: file -> (modification time, size) when it was last put.
    """

    client: Any
    kms_key: str = ""
    sent: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def keys(self, uri: str) -> list[str]:
        """Return the keys below an address, sorted.

        Raises:
            TransferFailed: the role may not list them.
        """
        bucket, prefix = split(uri)
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix
            )
            found = [row["Key"] for page in pages for row in page.get("Contents", [])]
        except ClientError as error:
            raise TransferFailed(self._reason("list objects", uri, error)) from error
        return sorted(key for key in found if not key.endswith("/"))

    def fetch(self, uri: str, folder: Path, *, shard: int = 0, shards: int = 1) -> int:
        """Copy objects below `uri` into `folder`; returns how many.

        Args:
            shard: number of this instance.
            shards: number of instances that share the objects; 1 copies all.

        Raises:
            TransferFailed: there are none, or the role may not read them.
        """
        bucket, prefix = split(uri)
        keys = self.keys(uri)
        if not keys:
            raise TransferFailed(
                f"ClientError: Data download failed: NoSuchKey (404): No objects found at {uri}"
            )
        mine = keys[shard::shards]
        for key in mine:
            target = folder / local_name(key, prefix)
            if not target.resolve().is_relative_to(folder.resolve()):
                raise TransferFailed(f"ClientError: {key} leads out of its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                body = self.client.get_object(Bucket=bucket, Key=key)["Body"]
            except ClientError as error:
                raise TransferFailed(
                    self._reason("download data", f"s3://{bucket}/{key}", error)
                ) from error
            with target.open("wb") as stream:
                shutil.copyfileobj(body, stream, CHUNK)
        return len(mine)

    def restore(self, uri: str, folder: Path) -> int:
        """Copy checkpoints into `folder`; none is a fresh start, not a failure."""
        if not self.keys(f"{uri.rstrip('/')}/"):
            return 0
        count = self.fetch(f"{uri.rstrip('/')}/", folder)
        for path in folder.rglob("*"):
            if path.is_file():
                self.sent[path] = self._mark(path)
        return count

    def send(self, folder: Path, uri: str) -> int:
        """Put the folder's new and changed files below `uri`; returns how many.

        Raises:
            TransferFailed: the role may not write there.
        """
        bucket, prefix = split(f"{uri.rstrip('/')}/")
        count = 0
        for path in sorted(folder.rglob("*")):
            try:
                mark = self._mark(path) if path.is_file() else None
            except FileNotFoundError:
                continue  # the job renamed it since it was listed; its new name follows
            if mark is None or self.sent.get(path) == mark:
                continue
            try:
                with path.open("rb") as stream:
                    self._put(bucket, prefix + path.relative_to(folder).as_posix(), stream)
            except FileNotFoundError:
                continue
            self.sent[path] = mark
            count += 1
        return count

    def send_packed(self, folder: Path, uri: str) -> None:
        """Put the folder as one gzipped tar file at `uri`."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, arcname=path.name)
        packed.seek(0)
        bucket, key = split(uri)
        self._put(bucket, key, packed)

    def _put(self, bucket: str, key: str, stream: Any) -> None:
        encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key} if self.kms_key else {}
        )
        try:
            self.client.put_object(Bucket=bucket, Key=key, Body=stream, **encryption)
        except ClientError as error:
            raise TransferFailed(
                self._reason("upload data", f"s3://{bucket}/{key}", error)
            ) from error

    @staticmethod
    def _mark(path: Path) -> tuple[int, int]:
        status = path.stat()
        return status.st_mtime_ns, status.st_size

    @staticmethod
    def _reason(what: str, uri: str, error: ClientError) -> str:
        fault = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return (
            f"ClientError: Failed to {what}. {fault['Code']} ({status}): {uri}: {fault['Message']}"
        )
