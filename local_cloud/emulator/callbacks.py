"""Tasks that wait for a token: who may answer one, and a function that fails before it waits.

AWS checks an answer to a token against the state machine whose task waits. The emulator checks
it against `*`, and it swallows the failure of the function that should have passed the token on:
such a task would wait until its time limit.
"""

import contextvars
import json
from typing import Any

from local_cloud.emulator.internals import part

_token: contextvars.ContextVar[str] = contextvars.ContextVar("sevenlens_task_token", default="")
_machines: dict[str, str] = {}


def machine_of(body: bytes) -> str | None:
    """Return the ARN of the state machine whose task waits for the token in a request."""
    try:
        return _machines.get(str(json.loads(body or b"{}").get("taskToken")))
    except ValueError:
        return None


def install(execution: contextvars.ContextVar[str]) -> None:
    """Put the guards around waiting tasks.

    Args:
        execution: holds the ARN of the execution that a thread works for.
    """
    machine = part("services.stepfunctions")
    wait, invoke = machine._invoke_with_callback, machine._call_lambda

    def invoke_with_callback(resource: str, request: Any, token: str, state: Any) -> Any:
        _machines[token] = machine._executions[execution.get()]["stateMachineArn"]
        mark = _token.set(token)
        try:
            return wait(resource, request, token, state)
        finally:
            _token.reset(mark)
            _machines.pop(token, None)

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return invoke(function, event)
        except machine._ExecutionError as error:
            waiting = machine._task_tokens.get(_token.get())
            if waiting is not None:
                waiting["error"] = {"Error": error.error, "Cause": error.cause}
                waiting["event"].set()
            raise

    machine._invoke_with_callback = invoke_with_callback
    machine._call_lambda = call_lambda
