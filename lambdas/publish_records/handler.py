"""Entry point of record publication: one part of JSON lines into the customers table."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.errors import BadInput
from lambdas.control.uris import locate
from lambdas.stores.bounded import StoreUnavailable, answering

BATCH = 25
ATTEMPTS = 8
LONGEST_PAUSE_S = 5.0


def _items(lines: Iterator[bytes], model_version: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            customer = json.loads(line)["customer_id"]
        except (ValueError, KeyError, TypeError) as error:
            # The line itself is customer data and stays out of the message.
            raise BadInput(
                f"record line {number} cannot be read: {type(error).__name__}",
                remedy="run the stage `package` again",
            ) from error
        yield {
            "customer_id": {"S": str(customer)},
            "model_version": {"S": model_version},
            "record": {"S": line.decode()},
        }


def _write(client: Any, table: str, items: list[dict[str, Any]]) -> None:
    waiting = [{"PutRequest": {"Item": item}} for item in items]
    for attempt in range(ATTEMPTS):
        with answering("table customers"):
            answer = client.batch_write_item(RequestItems={table: waiting})
        waiting = answer.get("UnprocessedItems", {}).get(table, [])
        if not waiting:
            return
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.1 * 2**attempt)))
    raise StoreUnavailable(
        f"table customers took all but {len(waiting)} of {len(items)} records",
        remedy="try again: writing a record twice changes nothing",
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Return how many records of the part were written; repeating it changes nothing."""
    place = locate(event["package_uri"]) / str(event["part"])
    s3, dynamodb = wiring.client("s3"), wiring.client("dynamodb")
    table = Table.CUSTOMERS.value.physical_name()
    with answering(f"object {place}"):
        body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]
    written = 0
    batch: list[dict[str, Any]] = []
    for item in _items(body.iter_lines(), str(event["model_version"])):
        batch.append(item)
        if len(batch) == BATCH:
            _write(dynamodb, table, batch)
            written += len(batch)
            batch = []
    if batch:
        _write(dynamodb, table, batch)
        written += len(batch)
    return {"records": written}
