"""Bedrock Converse and ApplyGuardrail, behind budgets: one JSON document in, one out."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from configs.contracts.functions import Grant
from lambdas.stores.bounded import StoreUnavailable, answering, bounded_client, error_code
from lambdas.stores.environment import required

TRANSIENT = frozenset(
    {
        "ThrottlingException",
        "ServiceUnavailableException",
        "ModelTimeoutException",
        "ModelNotReadyException",
        "InternalServerException",
        "ModelErrorException",
    }
)
FIRST_PAUSE_SECONDS = 0.2
INTERVENED = "GUARDRAIL_INTERVENED"


class BadReply(ValueError):
    """A model answered, but not with one JSON object, or it stopped before the end."""


@dataclass(frozen=True)
class Budget:
    """What one call may spend. `deadline` is a point of `time.monotonic`, shared by calls."""

    model: str
    max_tokens: int
    attempts: int
    seconds: float
    temperature: float
    deadline: float = math.inf


def allowed_model(wanted: str) -> str:
    """Return the model to call: `wanted`, or the deployment's first when it is empty.

    Raises:
        StoreUnavailable: the deployment allows no model, or not this one.
    """
    allowed = [name.strip() for name in required(Grant.CONVERSE.value).split(",") if name.strip()]
    if wanted and wanted not in allowed:
        raise StoreUnavailable(
            f"model '{wanted}' is not among those allowed: {', '.join(allowed)}",
            remedy="set the agent's model to one of them, or allow it in the environment",
        )
    if not allowed:
        raise StoreUnavailable("no model is allowed", remedy="name one in the environment")
    return wanted or allowed[0]


class Converser:
    """Calls a model within a budget; transient refusals are tried again, with longer pauses."""

    def __init__(
        self,
        client: Callable[[float], Any] = lambda seconds: bounded_client(
            "bedrock-runtime", seconds, 1
        ),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep

    def ask(self, prompt: str, document: Mapping[str, Any], *, budget: Budget) -> dict[str, Any]:
        """Return the model's JSON object.

        Raises:
            StoreUnavailable: no answer within attempts and time.
            BadReply: an answer of another form.
        """
        request = {
            "modelId": allowed_model(budget.model),
            "system": [{"text": prompt}],
            "messages": [
                {
                    "role": "user",
                    "content": [{"text": json.dumps(document, ensure_ascii=False, sort_keys=True)}],
                }
            ],
            "inferenceConfig": {
                "maxTokens": budget.max_tokens,
                "temperature": budget.temperature,
            },
        }
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, budget.attempts + 1):
            if self._clock() >= budget.deadline:
                raise StoreUnavailable("the time of this item is spent", remedy="it is tried again")
            try:
                return _object(self._client(budget.seconds).converse(**request))
            except ClientError as error:
                code = error_code(error)
                if code not in TRANSIENT or attempt == budget.attempts:
                    raise StoreUnavailable(
                        f"the model refused: {code}", remedy="see the model's access and quota"
                    ) from error
            except BotoCoreError as error:
                if attempt == budget.attempts:
                    raise StoreUnavailable(
                        f"the model did not answer: {type(error).__name__}",
                        remedy="it is tried again",
                    ) from error
            self._sleep(min(pause, max(budget.deadline - self._clock(), 0.0)))
            pause *= 2
        raise StoreUnavailable("the model was not asked", remedy="allow at least one attempt")


def _object(answer: Mapping[str, Any]) -> dict[str, Any]:
    if answer.get("stopReason") not in ("end_turn", "stop_sequence"):
        raise BadReply(f"the model stopped by {answer.get('stopReason')}")
    try:
        blocks = answer["output"]["message"]["content"]
        reply = json.loads("".join(block.get("text", "") for block in blocks))
    except (KeyError, TypeError, ValueError) as error:
        raise BadReply("the reply is not JSON") from error
    if not isinstance(reply, dict):
        raise BadReply("the reply is not a JSON object")
    return reply


class Guardrail:
    """The managed guardrail, applied to finished texts."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def passes(self, text: str) -> bool:
        """Tell whether a text passes. Raises StoreUnavailable when that is not known."""
        identifier, _, version = required(Grant.APPLY_GUARDRAIL.value).rpartition(":")
        with answering("the guardrail"):
            answer = self._client.apply_guardrail(
                guardrailIdentifier=identifier,
                guardrailVersion=version,
                source="OUTPUT",
                content=[{"text": {"text": text}}],
            )
        action = answer.get("action")
        if action not in ("NONE", INTERVENED):
            raise StoreUnavailable("the guardrail gave no verdict", remedy="it is tried again")
        return bool(action == "NONE")
