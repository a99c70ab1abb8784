"""Verified reason drafts, by cache key; expired items are not seen although not yet deleted."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from configs.contracts.tables import Table
from lambdas.stores.bounded import answering

BATCH = 100


class ReasonCache:
    """Reads drafts, writes one."""

    def __init__(self, client: Any, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return key -> draft (JSON value) for those present and not expired.

        Keys that DynamoDB leaves unprocessed count as absent: a template is good enough.

        Raises:
            StoreUnavailable: the table did not answer.
        """
        table = Table.REASONS.value
        wanted = sorted(set(keys))[:BATCH]
        if not wanted:
            return {}
        with answering("the reasons table"):
            name = table.physical_name()
            found = self._client.batch_get_item(
                RequestItems={name: {"Keys": [{table.partition_key: {"S": key}} for key in wanted]}}
            )
        drafts = {
            str(item[table.partition_key]["S"]): self._draft(item)
            for item in found.get("Responses", {}).get(name, [])
        }
        return {key: draft for key, draft in drafts.items() if draft is not None}

    def get(self, key: str) -> Any:
        """Return one draft, None when absent or expired. Raises StoreUnavailable."""
        table = Table.REASONS.value
        with answering("the reasons table"):
            found = self._client.get_item(
                TableName=table.physical_name(), Key={table.partition_key: {"S": key}}
            )
        item = found.get("Item")
        return None if item is None else self._draft(item)

    def _draft(self, item: Mapping[str, Any]) -> Any:
        """Return an item's draft, None when it is expired or cannot be read."""
        if float(item.get(str(Table.REASONS.value.ttl), {}).get("N", "0")) <= self._clock():
            return None
        try:
            return json.loads(item["draft"]["S"])
        except (KeyError, ValueError):
            return None

    def put(self, key: str, *, draft: Any, seconds: int, origin: dict[str, str]) -> None:
        """Keep a verified draft for `seconds`. Raises StoreUnavailable."""
        table = Table.REASONS.value
        item: dict[str, Any] = {
            table.partition_key: {"S": key},
            str(table.ttl): {"N": str(int(self._clock()) + seconds)},
            "draft": {"S": json.dumps(draft, ensure_ascii=False, sort_keys=True)},
        }
        item.update({name: {"S": value} for name, value in sorted(origin.items())})
        with answering("the reasons table"):
            self._client.put_item(TableName=table.physical_name(), Item=item)
