"""The run ledger: what a run did, what it cost, and the month's sum."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from lambdas.stores.bounded import answering

SERIALIZER, DESERIALIZER = TypeSerializer(), TypeDeserializer()


def month_of(epoch: float) -> str:
    """Return the month of a moment as `2026-11`."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m}"


def _stored(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


class Ledger:
    """The runs table: entries `run`, `stage#...` of a run; `ledger#<month>` sums costs."""

    def __init__(self, client: Any, *, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, run_id: str, entry: str, content: dict[str, Any]) -> None:
        """Write one entry, replacing it if it is there."""
        item = {"run_id": run_id, "entry": entry, **_stored(content)}
        with answering("table runs"):
            self._client.put_item(
                TableName=self._table,
                Item={key: SERIALIZER.serialize(value) for key, value in item.items()},
            )

    def entries(self, run_id: str) -> list[dict[str, Any]]:
        """Return all entries of a run (or of a month's ledger), in entry order."""
        rows: list[dict[str, Any]] = []
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "run_id = :run",
            "ExpressionAttributeValues": {":run": {"S": run_id}},
            "ConsistentRead": True,
        }
        while True:
            with answering("table runs"):
                page = self._client.query(**query)
            rows += [
                {key: _plain(DESERIALIZER.deserialize(value)) for key, value in item.items()}
                for item in page["Items"]
            ]
            if "LastEvaluatedKey" not in page:
                return rows
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def spent(self, month: str) -> float:
        """Return the USD that this application's own jobs cost in a month, by our ledger."""
        return sum(float(row["cost_usd"]) for row in self.entries(f"ledger#{month}"))

    def charge(self, *, month: str, run_id: str, job: str, cost_usd: float) -> None:
        """Note a job's cost; a repeated note of the same job replaces itself."""
        self.put(f"ledger#{month}", f"{run_id}#{job}", {"cost_usd": cost_usd})
