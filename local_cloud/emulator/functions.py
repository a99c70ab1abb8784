"""Lambda errors under their own names.

AWS reports a failed handler by the class of its exception, and state machines retry by that name;
the emulator reports every one as `Runtime.HandlerError`.
"""

import contextvars
from typing import Any

from local_cloud.emulator.internals import EmulatorChanged, part

UNNAMED = "Runtime.HandlerError"
BEFORE = '"error": str(e), "trace":'
AFTER = '"error": str(e), "error_type": type(e).__name__, "trace":'

_raised: contextvars.ContextVar[str] = contextvars.ContextVar("sevenlens_raised", default="")


def install() -> None:
    """Carry the exception's class from the worker process to the caller.

    Raises:
        EmulatorChanged: the worker script no longer reports errors as it did.
    """
    runtime, functions = part("core.lambda_runtime"), part("services.lambda_svc")
    if runtime._PYTHON_WORKER_SCRIPT.count(BEFORE) != 1:
        raise EmulatorChanged(
            "the emulator's Lambda worker reports errors in another way",
            remedy="adapt local_cloud/emulator/functions.py",
        )
    runtime._PYTHON_WORKER_SCRIPT = runtime._PYTHON_WORKER_SCRIPT.replace(BEFORE, AFTER)
    invoke, execute = runtime.Worker.invoke, functions._execute_function_warm

    def noting_invoke(self: Any, *given: Any, **named: Any) -> dict[str, Any]:
        result: dict[str, Any] = invoke(self, *given, **named)
        _raised.set(str(result.get("error_type", "")))
        return result

    def naming_execute(*given: Any, **named: Any) -> dict[str, Any]:
        _raised.set("")
        answer: dict[str, Any] = execute(*given, **named)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and body.get("errorType") == UNNAMED:
            body["errorType"] = _raised.get() or UNNAMED
        return answer

    runtime.Worker.invoke = noting_invoke
    functions._execute_function_warm = naming_execute
