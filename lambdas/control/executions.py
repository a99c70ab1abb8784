"""Executions of the pipeline: whether one still runs, and why one ended."""

import json
from typing import Any

from botocore.exceptions import ClientError

from lambdas.stores.bounded import answering, error_code

RUNNING = "RUNNING"
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


def reason(error: str | None, cause: str | None) -> str:
    """Return why an execution failed, in a person's words and bounded.

    The cause of a failed job is its whole description; the exit message in it is the reason.
    """
    text = cause or ""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        for key in ("ExitMessage", "FailureReason", "errorMessage"):
            if parsed.get(key):
                text = str(parsed[key])
                break
    return f"{error or 'no error name'}: {text}"[:CAUSE_LIMIT]
