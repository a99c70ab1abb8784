"""JSON documents on S3, and the run that an execution works for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs.contracts.artefacts import canonical_json
from lambdas.control.errors import BadInput
from lambdas.control.uris import Location, locate
from lambdas.stores.bounded import answering


@dataclass(frozen=True)
class Run:
    """A run as it travels through the state machine's variables."""

    run_id: str
    execution_arn: str
    settings_uri: str
    data_uri: str
    data_hash: str
    submitter: str

    @staticmethod
    def parse(raw: Mapping[str, Any]) -> "Run":
        """Return the run in an event. Raises BadInput naming what is missing."""
        try:
            return Run(**{name: str(raw[name]) for name in Run.__dataclass_fields__})
        except (KeyError, TypeError) as error:
            raise BadInput(
                f"the event holds no run: {error!r}", remedy="start the run by `make submit`"
            ) from error


def read_json(s3: Any, place: Location) -> dict[str, Any]:
    """Return a JSON object. Raises BadInput when it is none, StoreUnavailable when S3 fails."""
    with answering(f"object {place}"):
        body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
    try:
        value = json.loads(body)
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
    try:
        return document["settings"], document["identity"]
    except KeyError as error:
        raise BadInput(
            f"{run.settings_uri} has no {error}", remedy="start the run by `make submit`"
        ) from error


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
