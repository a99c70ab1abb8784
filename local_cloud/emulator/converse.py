"""Bedrock Converse answered by the deterministic writer, faults of the service included."""

import json
import time
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.emulator.writer import Behaviour, write

SLOW_S = 10.0
ERRORS = {
    "throttle": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "unavailable": (503, "ServiceUnavailableException", "The service is unavailable."),
}


def install() -> Behaviour:
    """Make the writer the emulator's model; returns the handle to misbehave by."""
    runtime = part("services.bedrock_runtime")
    behaviour = Behaviour()
    answer = runtime._converse

    def message(
        _model: str, messages: list[dict[str, Any]], *_others: Any, **_options: Any
    ) -> tuple[dict[str, Any], None]:
        mode = behaviour.next()
        if mode == "slow":
            time.sleep(SLOW_S)
            mode = ""
        return {"content": write(runtime._last_user_text(messages), mode)}, None

    def converse(model: str, headers: Any, body: bytes) -> Any:
        if behaviour.planted and behaviour.planted[0] in ERRORS:
            status, code, text = ERRORS[behaviour.next()]
            return (
                status,
                {"Content-Type": "application/json", "x-amzn-ErrorType": code},
                json.dumps({"message": text, "__type": code}).encode(),
            )
        return answer(model, headers, body)

    runtime._proxy_openai_chat_message = message
    runtime._converse = converse
    return behaviour
