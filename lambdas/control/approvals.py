"""Task tokens of packages that wait for a person.

The token is a bearer secret: it lies in a table under our key, expires, and is in no log and no
message. DynamoDB deletes expired items late, so expiry is checked on read.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lambdas.stores.bounded import answering, error_code

WAITING, DECIDED = "waiting", "decided"


class Approvals:
    """The approvals table; `clock` gives epoch seconds."""

    def __init__(self, client: Any, *, table: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def store(
        self, package_arn: str, *, token: str, run_id: str, submitter: str, seconds: int
    ) -> None:
        """Keep a token until it expires; a retried state replaces the token it replaced."""
        with answering("table approvals"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "package_arn": {"S": package_arn},
                    "task_token": {"S": token},
                    "run_id": {"S": run_id},
                    "submitter": {"S": submitter},
                    "status": {"S": WAITING},
                    "expires_at": {"N": str(int(self._clock()) + seconds)},
                },
            )

    def waiting(self, package_arn: str) -> dict[str, str] | None:
        """Return token, run and submitter of a package that waits, None if none does."""
        with answering("table approvals"):
            item = self._client.get_item(
                TableName=self._table,
                Key={"package_arn": {"S": package_arn}},
                ConsistentRead=True,
            ).get("Item")
        if not item or item["status"]["S"] != WAITING:
            return None
        if int(item["expires_at"]["N"]) <= self._clock():
            return None
        return {name: item[name]["S"] for name in ("task_token", "run_id", "submitter")}

    def close(self, package_arn: str, *, decision: str, approver: str) -> bool:
        """Record the decision and drop the token; returns whether we were first."""
        with answering("table approvals"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"package_arn": {"S": package_arn}},
                    UpdateExpression="SET #s = :decided, decision = :decision, "
                    "approver = :approver REMOVE task_token",
                    ConditionExpression="#s = :waiting",
                    ExpressionAttributeNames={"#s": "status"},
                    ExpressionAttributeValues={
                        ":decided": {"S": DECIDED},
                        ":waiting": {"S": WAITING},
                        ":decision": {"S": decision},
                        ":approver": {"S": approver},
                    },
                )
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True
