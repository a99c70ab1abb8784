"""Leases and commits of stages: conditional writes on (stage, stage_key).

An item is `leased` by one execution, then `committed` with the place of its output. A stage
without a commit never happened. A lease of an execution that no longer runs, or that expired, is
taken over; whoever lost a lease cannot commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambdas.control.budget import DECIMALS, Price
from lambdas.control.errors import StageBusy
from lambdas.stores.bounded import answering, error_code

LEASED, COMMITTED = "leased", "committed"
REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class Commit:
    """A committed output: where it is, and what it took in seconds and USD."""

    uri: str
    stage_key: str
    content_hash: str
    seconds: float
    cost_usd: float


class Leases:
    """The stages table.

    Args:
        client: a DynamoDB client.
        is_running: whether an execution, by ARN, is still running.
        clock: epoch seconds.
    """

    def __init__(
        self,
        client: Any,
        *,
        table: str,
        is_running: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._table = table
        self._is_running = is_running
        self._clock = clock

    def _key(self, stage: str, stage_key: str) -> dict[str, Any]:
        return {"stage": {"S": stage}, "stage_key": {"S": stage_key}}

    def _item(self, stage: str, stage_key: str) -> dict[str, Any]:
        with answering("table stages"):
            found = self._client.get_item(
                TableName=self._table, Key=self._key(stage, stage_key), ConsistentRead=True
            )
        item: dict[str, Any] = found.get("Item", {})
        return item

    def committed(self, stage: str, stage_key: str) -> Commit | None:
        """Return the commit of a stage, None when there is none."""
        item = self._item(stage, stage_key)
        if item.get("status", {}).get("S") != COMMITTED:
            return None
        return Commit(
            item["uri"]["S"],
            stage_key,
            item["content_hash"]["S"],
            float(item["seconds"]["N"]),
            float(item["cost_usd"]["N"]),
        )

    def _try(self, call: Callable[[], Any]) -> bool:
        with answering("table stages"):
            try:
                call()
            except ClientError as error:
                if error_code(error) == REFUSED:
                    return False
                raise
        return True

    def take(self, stage: str, stage_key: str, *, owner: str, seconds: int) -> None:
        """Take the lease, again if it is ours, over if its owner is gone.

        Raises:
            StageBusy: a living execution holds it.
        """
        now = int(self._clock())
        item = {
            **self._key(stage, stage_key),
            "status": {"S": LEASED},
            "owner": {"S": owner},
            "leased_at": {"N": str(now)},
            "lease_until": {"N": str(now + seconds)},
        }
        fresh = self._try(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(stage_key) OR "
                "(#s = :leased AND #o = :owner)",
                ExpressionAttributeNames={"#s": "status", "#o": "owner"},
                ExpressionAttributeValues={":leased": {"S": LEASED}, ":owner": {"S": owner}},
            )
        )
        if fresh:
            return
        held = self._item(stage, stage_key)
        holder = held.get("owner", {}).get("S", "")
        until = int(held.get("lease_until", {}).get("N", "0"))
        if held and until > now and self._is_running(holder):
            raise StageBusy(
                f"stage {stage} is being worked on by {holder}",
                remedy="wait: the lease ends with that execution",
            )
        taken = self._try(
            lambda: self._client.put_item(
                TableName=self._table,
                Item=item,
                # The time as well: the holder may have renewed the lease since it was read.
                ConditionExpression="#s = :leased AND #o = :holder AND lease_until = :until",
                ExpressionAttributeNames={"#s": "status", "#o": "owner"},
                ExpressionAttributeValues={
                    ":leased": {"S": LEASED},
                    ":holder": {"S": holder},
                    ":until": {"N": str(until)},
                },
            )
        )
        if not taken:
            raise StageBusy(
                f"stage {stage} was taken by another execution", remedy="wait and plan again"
            )

    def commit(
        self,
        stage: str,
        stage_key: str,
        *,
        owner: str,
        uri: str,
        content_hash: str,
        price: Price,
    ) -> Commit:
        """Turn our lease into a commit; a repeated commit of the same output is no error.

        Raises:
            StageBusy: the lease is not ours (any more).
        """
        item = self._item(stage, stage_key)
        seconds = round(self._clock() - float(item.get("leased_at", {}).get("N", "0")), 3)
        cost = price.of(seconds)
        done = self._try(
            lambda: self._client.update_item(
                TableName=self._table,
                Key=self._key(stage, stage_key),
                UpdateExpression="SET #s = :committed, uri = :uri, content_hash = :hash, "
                "seconds = :seconds, cost_usd = :cost REMOVE lease_until",
                ConditionExpression="#s = :leased AND #o = :owner",
                ExpressionAttributeNames={"#s": "status", "#o": "owner"},
                ExpressionAttributeValues={
                    ":committed": {"S": COMMITTED},
                    ":leased": {"S": LEASED},
                    ":owner": {"S": owner},
                    ":uri": {"S": uri},
                    ":hash": {"S": content_hash},
                    ":seconds": {"N": str(seconds)},
                    ":cost": {"N": f"{cost:.{DECIMALS}f}"},
                },
            )
        )
        if done:
            return Commit(uri, stage_key, content_hash, seconds, cost)
        present = self.committed(stage, stage_key)
        if present is not None and present.uri == uri:
            return present
        raise StageBusy(
            f"the lease on stage {stage} was lost before the commit",
            remedy="start a new execution: it finds what was committed",
        )
