"""S3 URIs taken apart and put together."""

from dataclasses import dataclass

from lambdas.control.errors import BadInput

SCHEME = "s3://"


@dataclass(frozen=True)
class Location:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    def __truediv__(self, name: str) -> "Location":
        return Location(self.bucket, f"{self.key.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def locate(uri: str) -> Location:
    """Return the location of an `s3://bucket/key` URI. Raises BadInput.

    Keys may hold `?` and `#`, so this is no parser of web addresses.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket or not key.strip("/"):
        raise BadInput(f"'{uri}' is no s3:// URI of a key", remedy="start the run by `make submit`")
    return Location(bucket, key)
