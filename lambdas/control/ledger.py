"""The run ledger: what a run did, what it cost and how it ended."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from lambdas.stores.bounded import answering, error_code

SERIALIZER, DESERIALIZER = TypeSerializer(), TypeDeserializer()
RUN_ENTRY = "run"
REFUSED = "ConditionalCheckFailedException"


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


def item_of(partition: str, entry: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return an entry in DynamoDB's form."""
    item = {"run_id": partition, "entry": entry, **_stored(content)}
    return {key: SERIALIZER.serialize(value) for key, value in item.items()}


class Ledger:
    """The runs table: entries `run`, `stage#...`, `gate#...`, `approval` of a run."""

    def __init__(self, client: Any, *, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, run_id: str, entry: str, content: dict[str, Any]) -> None:
        """Write one entry, replacing it if it is there."""
        with answering("table runs"):
            self._client.put_item(TableName=self._table, Item=item_of(run_id, entry, content))

    def begin(self, run_id: str, content: dict[str, Any]) -> bool:
        """Write a run's own entry; returns False when another execution has it already."""
        with answering("table runs"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item_of(run_id, RUN_ENTRY, content),
                    ConditionExpression="attribute_not_exists(run_id) OR execution_arn = :mine",
                    ExpressionAttributeValues={":mine": {"S": content["execution_arn"]}},
                )
            except ClientError as error:
                if error_code(error) == REFUSED:
                    return False
                raise
        return True

    def end(self, run_id: str, content: dict[str, Any], *, reason: str | None) -> None:
        """Say in a run's own entry how it ended; without a reason an earlier one is dropped."""
        said = content | ({"reason": reason} if reason is not None else {})
        names = {f"#{name}": name for name in {*said, "reason"}}
        values = {f":{name}": SERIALIZER.serialize(_stored(value)) for name, value in said.items()}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in sorted(said))
        with answering("table runs"):
            self._client.update_item(
                TableName=self._table,
                Key={"run_id": {"S": run_id}, "entry": {"S": RUN_ENTRY}},
                UpdateExpression=change + ("" if reason is not None else " REMOVE #reason"),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )

    def entries(self, run_id: str) -> list[dict[str, Any]]:
        """Return all entries of a run (or of a month's costs), in entry order."""
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
