"""Entry point of record publication: one part of JSON lines into the customers table."""

import json
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.documents import open_object
from lambdas.control.errors import BadInput
from lambdas.control.uris import Location, locate
from lambdas.stores.bounded import StoreUnavailable, answering

BATCH = 25
ATTEMPTS = 8
LONGEST_PAUSE_S = 5.0
REMEDY = "run the stage `package` again"


def _lines(s3: Any, place: Location) -> Iterator[bytes]:
    """Yield the lines of a part; a broken connection is a store that does not answer."""
    body = open_object(s3, place)
    with answering(f"object {place}"):
        yield from body.iter_lines()


def _customer(line: bytes, number: int) -> str:
    try:
        customer = json.loads(line)["customer_id"]
    except (ValueError, KeyError, TypeError) as error:
        # The line itself is customer data and stays out of the message.
        raise BadInput(
            f"record line {number} cannot be read: {type(error).__name__}", remedy=REMEDY
        ) from error
    if not isinstance(customer, str) or not customer:
        raise BadInput(f"record line {number} names no customer", remedy=REMEDY)
    return customer


def _items(lines: Iterable[bytes], model_version: str) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        customer = _customer(line, number)
        if customer in seen:
            raise BadInput(f"record line {number} repeats a customer", remedy=REMEDY)
        seen.add(customer)
        yield {
            "customer_id": {"S": customer},
            "model_version": {"S": model_version},
            "record": {"S": line.decode()},
        }


def _write(client: Any, table: str, items: list[dict[str, Any]]) -> None:
    waiting = [{"PutRequest": {"Item": item}} for item in items]
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.1 * 2**attempt)))
        with answering("table customers"):
            answer = client.batch_write_item(RequestItems={table: waiting})
        waiting = answer.get("UnprocessedItems", {}).get(table, [])
        if not waiting:
            return
    raise StoreUnavailable(
        f"table customers took all but {len(waiting)} of {len(items)} records",
        remedy="try again: writing a record twice changes nothing",
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Return how many records of the part were written; repeating it changes nothing.

    Raises:
        BadInput: the part is not there, or a line is damaged; what was written is of a version
            that nothing serves.
        StoreUnavailable: S3 or the table does not answer.
    """
    version = event.get("model_version")
    if not isinstance(version, str) or not version:
        raise BadInput("the event has no model_version", remedy="deploy the application again")
    place = locate(str(event.get("package_uri"))) / str(event.get("part"))
    dynamodb, table = wiring.client("dynamodb"), Table.CUSTOMERS.value.physical_name()
    written = 0
    batch: list[dict[str, Any]] = []
    for item in _items(_lines(wiring.client("s3"), place), version):
        batch.append(item)
        if len(batch) == BATCH:
            _write(dynamodb, table, batch)
            written += len(batch)
            batch = []
    if batch:
        _write(dynamodb, table, batch)
        written += len(batch)
    if not written:
        raise BadInput(f"{place} holds no records", remedy=REMEDY)
    return {"records": written}
