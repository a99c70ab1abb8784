"""Serving records of customers, keyed by customer and model version."""

from typing import Any

from configs.contracts.tables import Table
from lambdas.stores.bounded import StoreUnavailable, answering


class CustomerRecords:
    """Reads one record."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, customer_id: str, model_version: str) -> str | None:
        """Return the record as its JSON line, None when there is none.

        Raises:
            StoreUnavailable: the table did not answer, or the item holds no record.
        """
        table = Table.CUSTOMERS.value
        with answering("the customers table"):
            found = self._client.get_item(
                TableName=table.physical_name(),
                Key={
                    table.partition_key: {"S": customer_id},
                    str(table.sort_key): {"S": model_version},
                },
            )
        item = found.get("Item")
        if not item:
            return None
        try:
            return str(item["record"]["S"])
        except KeyError as error:
            raise StoreUnavailable(
                "a customers item holds no 'record'", remedy="publish the model again"
            ) from error
