"""Orders for better reason texts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from configs.contracts.functions import Grant
from lambdas.stores.bounded import StoreUnavailable, answering
from lambdas.stores.environment import required

BATCH = 10


class RewriteQueue:
    """Sends orders in batches of ten."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queue all messages. Raises StoreUnavailable when one of them was not taken."""
        for start in range(0, len(messages), BATCH):
            entries = [
                {
                    "Id": str(position),
                    "MessageBody": json.dumps(message, ensure_ascii=False, sort_keys=True),
                }
                for position, message in enumerate(messages[start : start + BATCH])
            ]
            with answering("the rewrite queue"):
                answer = self._client.send_message_batch(
                    QueueUrl=required(Grant.SEND_REASONS.value), Entries=entries
                )
            if answer.get("Failed"):
                raise StoreUnavailable(
                    f"the rewrite queue refused {len(answer['Failed'])} messages",
                    remedy="see the queue's limits",
                )
