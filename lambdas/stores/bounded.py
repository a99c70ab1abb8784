"""AWS clients with time limits, and the one error that says that a store did not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from configs.errors import SevenLensError

CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
ATTEMPTS = 2


class StoreUnavailable(SevenLensError):
    """A store did not answer, refused, or is not configured. The message holds no data."""


@cache
def bounded_client(
    service: str, read_seconds: float = READ_SECONDS, attempts: int = ATTEMPTS
) -> Any:
    """Return a client that gives up within seconds; it is kept for the life of the process."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
    )
    return boto3.client(service, config=config)


def error_code(error: ClientError) -> str:
    """Return the error code of an AWS answer, such as `ConditionalCheckFailedException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def answering(store: str) -> Iterator[None]:
    """Turn every way in which AWS can fail us into StoreUnavailable naming `store`."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(
            f"{store} refused: {error_code(error)}", remedy="see the function's permissions"
        ) from error
    except (BotoCoreError, KeyError) as error:
        raise StoreUnavailable(
            f"{store} did not answer: {type(error).__name__}", remedy="try again"
        ) from error
