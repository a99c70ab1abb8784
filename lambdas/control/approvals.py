"""Task tokens of packages that wait for a person.

The token is a bearer secret: it lies in a table under our key, expires, and is in no log and no
message. DynamoDB deletes expired items late, so expiry is checked on read.

A decision is recorded before the waiting task is told, and the token is dropped after: a crash in
between repeats the recorded decision, whatever the registry says by then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lambdas.stores.bounded import answering, error_code

WAITING, DECIDED = "waiting", "decided"
REFUSED_WRITE = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class Decision:
    """What was decided, by whom, and why it was refused where it was."""

    outcome: str
    approver: str
    reason: str = ""


@dataclass(frozen=True)
class Waiting:
    """A task that has not been told a decision yet.

    Attributes:
        task_token: the secret; no printed form of this shows it.
        decision: recorded, but perhaps not delivered; None while a person has to decide.
    """

    task_token: str = field(repr=False)
    run_id: str
    submitter: str
    submitter_arn: str
    decision: Decision | None = None


class Approvals:
    """The approvals table; `clock` gives epoch seconds."""

    def __init__(self, client: Any, *, table: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def store(self, package_arn: str, waiting: Waiting, *, seconds: int) -> None:
        """Keep a token until it expires; a retried state replaces the token it replaced."""
        with answering("table approvals"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "package_arn": {"S": package_arn},
                    "task_token": {"S": waiting.task_token},
                    "run_id": {"S": waiting.run_id},
                    "submitter": {"S": waiting.submitter},
                    "submitter_arn": {"S": waiting.submitter_arn},
                    "status": {"S": WAITING},
                    "expires_at": {"N": str(int(self._clock()) + seconds)},
                },
            )

    def waiting(self, package_arn: str) -> Waiting | None:
        """Return the task of a package that has not been told a decision, None if none waits."""
        with answering("table approvals"):
            item = self._client.get_item(
                TableName=self._table,
                Key={"package_arn": {"S": package_arn}},
                ConsistentRead=True,
            ).get("Item", {})
        if "task_token" not in item:
            return None
        text = {name: value["S"] for name, value in item.items() if "S" in value}
        decided = text["status"] == DECIDED
        # A recorded decision is delivered however late: the task itself refuses what is too late.
        if not decided and int(item["expires_at"]["N"]) <= self._clock():
            return None
        return Waiting(
            text["task_token"],
            text["run_id"],
            text["submitter"],
            text["submitter_arn"],
            Decision(text["decision"], text["approver"], text["reason"]) if decided else None,
        )

    def decide(self, package_arn: str, decision: Decision) -> bool:
        """Record a decision; returns whether we were first."""
        with answering("table approvals"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"package_arn": {"S": package_arn}},
                    UpdateExpression="SET #s = :decided, decision = :outcome, "
                    "approver = :approver, #r = :reason",
                    ConditionExpression="#s = :waiting",
                    ExpressionAttributeNames={"#s": "status", "#r": "reason"},
                    ExpressionAttributeValues={
                        ":decided": {"S": DECIDED},
                        ":waiting": {"S": WAITING},
                        ":outcome": {"S": decision.outcome},
                        ":approver": {"S": decision.approver},
                        ":reason": {"S": decision.reason},
                    },
                )
            except ClientError as error:
                if error_code(error) == REFUSED_WRITE:
                    return False
                raise
        return True

    def delivered(self, package_arn: str, *, token: str, outcome: str) -> None:
        """Drop a token whose task was told; a newer token of the same package stays."""
        with answering("table approvals"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"package_arn": {"S": package_arn}},
                    UpdateExpression="SET decision = :outcome REMOVE task_token",
                    ConditionExpression="task_token = :token",
                    ExpressionAttributeValues={
                        ":outcome": {"S": outcome},
                        ":token": {"S": token},
                    },
                )
            except ClientError as error:
                if error_code(error) != REFUSED_WRITE:
                    raise
