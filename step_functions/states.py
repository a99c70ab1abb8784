"""The small states that every machine is made of."""

from typing import Any

from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function
from step_functions.retries import lambda_retries
from step_functions.spec import PARTITION, Statement, function_arn

TIMEOUT_MARGIN_S = 10


def invoke(
    function: Function, payload: dict[str, Any], *, retries: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return a Task that calls a function; its answer is `$states.result.Payload`."""
    return {
        "Type": "Task",
        "Resource": f"arn:{PARTITION}:states:::lambda:invoke",
        "Arguments": {"FunctionName": function_arn(function), "Payload": payload},
        "TimeoutSeconds": FUNCTIONS[function].timeout_s + TIMEOUT_MARGIN_S,
        "Retry": lambda_retries() if retries is None else retries,
        "Output": "{% $states.result.Payload %}",
    }


def invoke_statement(functions: tuple[Function, ...]) -> Statement:
    """Return the statement that lets a machine call functions."""
    return Statement(("lambda:InvokeFunction",), tuple(function_arn(name) for name in functions))


def machine(comment: str, start: str, states: dict[str, Any]) -> dict[str, Any]:
    """Return a JSONata state machine."""
    return {"Comment": comment, "QueryLanguage": "JSONata", "StartAt": start, "States": states}
