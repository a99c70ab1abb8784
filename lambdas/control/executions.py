"""Executions of the pipeline: whether one still runs, and why one ended."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lambdas.stores.bounded import answering, error_code

RUNNING, SUCCEEDED = "RUNNING", "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "TIMED_OUT", "ABORTED"})
CAUSE_LIMIT = 2000


def execution_runs(client: Any, arn: str) -> bool:
    """Return whether an execution still runs; one that does not exist (any more) does not.

    Raises:
        StoreUnavailable: Step Functions did not answer; then nothing may be taken over.
    """
    with answering("Step Functions"):
        try:
            status = client.describe_execution(executionArn=arn)["status"]
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return False
            raise
    return bool(status == RUNNING)


def reason(described: Mapping[str, Any]) -> str:
    """Return why an execution did not succeed, in a person's words and bounded.

    The cause of a failed job is its whole description; the exit message in it is the reason.
    """
    error = str(described.get("error") or described["status"])
    text = str(described.get("cause") or "no cause was given")
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        for key in ("ExitMessage", "FailureReason", "errorMessage"):
            if parsed.get(key):
                text = str(parsed[key])
                break
    return f"{error}: {text}"[:CAUSE_LIMIT]
