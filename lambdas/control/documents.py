"""JSON documents on S3, and the run that an execution works for."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from configs.contracts.artefacts import canonical_json
from lambdas.control.errors import BadInput
from lambdas.control.uris import Location, locate
from lambdas.stores.bounded import answering, error_code

ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""S3 answers 403 for a missing key to whom may not list: asking again helps in neither case."""
PACKAGE_NAME = "package.json"


@dataclass(frozen=True)
class Run:
    """A run as it travels through the state machine's variables; no field is empty.

    Attributes:
        submitter: the name that the submitter gave.
        submitter_arn: the identity that submitted, as AWS names it.
        month: the month in whose ledger all costs of the run are booked.
    """

    run_id: str
    execution_arn: str
    settings_uri: str
    data_uri: str
    data_hash: str
    submitter: str
    submitter_arn: str
    month: str

    @staticmethod
    def parse(raw: Any) -> "Run":
        """Return the run in an event. Raises BadInput naming what is missing."""
        given = raw if isinstance(raw, Mapping) else {}
        fields = {name: given.get(name) for name in Run.__dataclass_fields__}
        missing = [
            name for name, value in fields.items() if not isinstance(value, str) or not value
        ]
        if missing:
            raise BadInput(
                f"the event's run has no {', '.join(missing)}",
                remedy="start the run by `make submit`",
            )
        return Run(**{name: str(value) for name, value in fields.items()})

    def as_json(self) -> dict[str, str]:
        """Return the form that travels."""
        return asdict(self)


@dataclass(frozen=True)
class PackageDocument:
    """`package.json`: what publication needs to know of a package.

    Attributes:
        record_parts: paths of the record parts below the package.
        smoke_customer: a customer that the published model must answer for.
    """

    model_version: str
    record_parts: tuple[str, ...]
    smoke_customer: str


def open_object(s3: Any, place: Location) -> Any:
    """Return an object's body as a stream.

    Raises:
        BadInput: it is not there.
        StoreUnavailable: S3 fails.
    """
    with answering(f"object {place}"):
        try:
            return s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]
        except ClientError as error:
            if error_code(error) not in ABSENT:
                raise
            raise BadInput(
                f"{place} is missing, or may not be read ({error_code(error)})",
                remedy="start a new run",
            ) from error


def read_bytes(s3: Any, place: Location) -> bytes:
    """Return an object. Raises as `open_object`."""
    body = open_object(s3, place)
    with answering(f"object {place}"):
        return bytes(body.read())


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def read_json(s3: Any, place: Location) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        BadInput: it is not there or is none.
        StoreUnavailable: S3 fails.
    """
    body = read_bytes(s3, place)
    try:
        value = json.loads(body, parse_constant=_no_number)
    except ValueError as error:
        raise BadInput(f"{place} is not JSON: {error}", remedy="run the stage again") from error
    if not isinstance(value, dict):
        raise BadInput(f"{place} is no JSON object", remedy="run the stage again")
    return value


def write_json(s3: Any, place: Location, value: Mapping[str, Any]) -> None:
    """Write a JSON object in canonical form."""
    with answering(f"object {place}"):
        s3.put_object(Bucket=place.bucket, Key=place.key, Body=canonical_json(value))


def run_settings(s3: Any, run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (settings by section, identity) of a run. Raises BadInput."""
    document = read_json(s3, locate(run.settings_uri))
    settings, identity = document.get("settings"), document.get("identity")
    if not isinstance(settings, dict) or not isinstance(identity, dict):
        raise BadInput(
            f"{run.settings_uri} has no settings or no identity",
            remedy="start the run by `make submit`",
        )
    return settings, identity


def read_package(s3: Any, package: Location) -> PackageDocument:
    """Return a package's document. Raises BadInput, StoreUnavailable."""
    raw = read_json(s3, package / PACKAGE_NAME)
    version, customer = raw.get("model_version"), raw.get("smoke_customer")
    parts = raw.get("record_parts")
    named = all(isinstance(text, str) and text for text in (version, customer))
    if not named or "/" in str(version) or not isinstance(parts, list) or not parts:
        raise BadInput(
            f"{package / PACKAGE_NAME} names no model version, record parts or smoke customer",
            remedy="run the stage `package` again",
        )
    return PackageDocument(str(version), tuple(str(part) for part in parts), str(customer))


def listing(s3: Any, place: Location) -> dict[str, int]:
    """Return key below the prefix -> bytes."""
    prefix = place.key.rstrip("/") + "/"
    found: dict[str, int] = {}
    with answering(f"bucket {place.bucket}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix)
        for page in pages:
            for row in page.get("Contents", []):
                found[row["Key"].removeprefix(prefix)] = int(row["Size"])
    return found
