"""S3 URIs taken apart and put together."""

from dataclasses import dataclass
from urllib.parse import urlparse

from lambdas.control.errors import BadInput


@dataclass(frozen=True)
class Location:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    def __truediv__(self, name: str) -> "Location":
        return Location(self.bucket, f"{self.key.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def locate(uri: str) -> Location:
    """Return the location of an `s3://bucket/key` URI. Raises BadInput."""
    parsed = urlparse(uri)
    if parsed.scheme != "s3" or not parsed.netloc or not parsed.path.strip("/"):
        raise BadInput(f"'{uri}' is no s3:// URI of a key", remedy="start the run by `make submit`")
    return Location(parsed.netloc, parsed.path.lstrip("/"))
