"""Decision records: one conditional write each, before the answer is given."""

from collections.abc import Mapping
from typing import Any

from configs.contracts.tables import Table
from lambdas.stores.bounded import answering


class DecisionLog:
    """Writes records; an existing one is never replaced."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, record: Mapping[str, Any]) -> None:
        """Write one record. Raises StoreUnavailable when it is not certainly written."""
        table = Table.DECISIONS.value
        with answering("the decisions table"):
            self._client.put_item(
                TableName=table.physical_name(),
                Item={key: {"S": str(value)} for key, value in record.items()},
                ConditionExpression=f"attribute_not_exists({table.partition_key})",
            )
