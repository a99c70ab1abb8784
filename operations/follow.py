"""Following an execution: which state it is in, since when, and why it ended."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.access import Access, OperationError

FINISHED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class Step:
    """One state that was entered: its name and when, in epoch seconds."""

    state: str
    at: float


@dataclass(frozen=True)
class Standing:
    """Where an execution stands.

    Attributes:
        status: the execution's status as Step Functions names it.
        steps: states entered so far, in order.
        error: error name of a failed execution.
        cause: the reason in a person's words, unpacked from a job's description where it is one.
    """

    status: str
    steps: tuple[Step, ...]
    error: str | None = None
    cause: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the execution has ended."""
        return self.status in FINISHED


def readable_cause(cause: str | None) -> str | None:
    """Return the message inside a cause: a job's exit message or a function's error message."""
    if not cause:
        return cause
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(parsed, dict):
        return cause
    for key in ("ExitMessage", "FailureReason", "errorMessage"):
        if parsed.get(key):
            return str(parsed[key])
    return cause


def _history(client: Any, execution_arn: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = client.get_execution_history(executionArn=execution_arn, maxResults=1000, **token)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def standing(access: Access, execution_arn: str) -> Standing:
    """Return where an execution stands now.

    Raises:
        OperationError: there is no such execution.
    """
    client = access.client("stepfunctions")
    try:
        described = client.describe_execution(executionArn=execution_arn)
    except client.exceptions.ExecutionDoesNotExist as error:
        raise OperationError(
            f"there is no run {execution_arn.rpartition(':')[2]}",
            remedy="see `make status` without RUN= for the runs there are",
        ) from error
    steps = tuple(
        Step(event["stateEnteredEventDetails"]["name"], event["timestamp"].timestamp())
        for event in _history(client, execution_arn)
        if "stateEnteredEventDetails" in event
    )
    return Standing(
        described["status"],
        steps,
        described.get("error"),
        readable_cause(described.get("cause")),
    )


def follow(access: Access, execution_arn: str, *, every: float = 0.5) -> Iterator[Standing]:
    """Yield the standing every `every` seconds until the execution has ended."""
    while True:
        now = standing(access, execution_arn)
        yield now
        if now.finished:
            return
        time.sleep(every)
