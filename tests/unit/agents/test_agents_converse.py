"""Converse within budgets: transient refusals are tried again, bad replies are named."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.stores.bounded import StoreUnavailable
from lambdas.stores.converse import BadReply, Budget, Converser, Guardrail, allowed_model

BUDGET = Budget(model="", max_tokens=100, attempts=3, seconds=5.0, temperature=0.2)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "x"}}, "Converse")


def answer(text: str, stop: str = "end_turn") -> dict[str, Any]:
    return {"stopReason": stop, "output": {"message": {"content": [{"text": text}]}}}


class Client:
    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []

    def converse(self, **request: Any) -> Any:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEDROCK_MODELS", "first-model, second-model")


def ask(*replies: Any, budget: Budget = BUDGET, now: float = 0.0) -> tuple[Any, Client, list]:
    client, slept = Client(*replies), []
    converser = Converser(lambda _seconds: client, clock=lambda: now, sleep=slept.append)
    return converser.ask("prompt", {"task": "t", "이름": "값"}, budget=budget), client, slept


def test_one_document_in_one_out() -> None:
    reply, client, slept = ask(answer('{"a": 1}'))
    assert reply == {"a": 1}
    (request,) = client.requests
    assert request["modelId"] == "first-model"
    assert request["system"] == [{"text": "prompt"}]
    assert json.loads(request["messages"][0]["content"][0]["text"]) == {"task": "t", "이름": "값"}
    assert request["inferenceConfig"] == {"maxTokens": 100, "temperature": 0.2}
    assert slept == []


def test_throttling_is_waited_out_with_longer_pauses() -> None:
    reply, client, slept = ask(
        refusal("ThrottlingException"), ReadTimeoutError(endpoint_url="x"), answer("{}")
    )
    assert reply == {}
    assert len(client.requests) == 3
    assert slept == [0.2, 0.4]


def test_attempts_are_limited() -> None:
    with pytest.raises(StoreUnavailable, match="Throttling"):
        ask(*[refusal("ThrottlingException")] * 3)


def test_what_will_not_change_is_not_tried_again() -> None:
    client = Client(refusal("AccessDeniedException"))
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        Converser(lambda _seconds: client).ask("p", {}, budget=BUDGET)
    assert len(client.requests) == 1


def test_a_spent_deadline_asks_nobody() -> None:
    spent = Budget(**{**vars(BUDGET), "deadline": 10.0})
    client = Client()
    with pytest.raises(StoreUnavailable, match="time"):
        Converser(lambda _seconds: client, clock=lambda: 10.0).ask("p", {}, budget=spent)
    assert client.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        answer("Sure! Here it is"),
        answer('```json\n{"a": 1}\n```'),
        answer("[]"),
        answer("null"),
        answer('{"a": 1}', stop="max_tokens"),
        answer('{"a": 1}', stop="guardrail_intervened"),
        {"stopReason": "end_turn"},
    ],
)
def test_another_reply_is_bad(reply: dict[str, Any]) -> None:
    with pytest.raises(BadReply):
        ask(reply)


def test_only_allowed_models_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allowed_model("second-model") == "second-model"
    with pytest.raises(StoreUnavailable, match="not among"):
        allowed_model("third-model")
    monkeypatch.delenv("BEDROCK_MODELS")
    with pytest.raises(StoreUnavailable, match="BEDROCK_MODELS"):
        allowed_model("")


class Rail:
    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.request: dict[str, Any] = {}

    def apply_guardrail(self, **request: Any) -> Any:
        self.request = request
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


@pytest.mark.parametrize(
    ("reply", "expected"),
    [({"action": "NONE"}, True), ({"action": "GUARDRAIL_INTERVENED"}, False)],
)
def test_the_guardrail_judges_outputs(
    monkeypatch: pytest.MonkeyPatch, reply: dict, expected: bool
) -> None:
    monkeypatch.setenv("GUARDRAIL", "arn:aws:bedrock:xx:1:guardrail/abc:3")
    rail = Rail(reply)
    assert Guardrail(rail).passes("text") is expected
    assert rail.request["guardrailIdentifier"] == "arn:aws:bedrock:xx:1:guardrail/abc"
    assert rail.request["guardrailVersion"] == "3"
    assert rail.request["source"] == "OUTPUT"


@pytest.mark.parametrize("reply", [{}, {"action": "PERHAPS"}, refusal("ThrottlingException")])
def test_no_verdict_is_no_pass(monkeypatch: pytest.MonkeyPatch, reply: Any) -> None:
    monkeypatch.setenv("GUARDRAIL", "abc:3")
    with pytest.raises(StoreUnavailable):
        Guardrail(Rail(reply)).passes("text")
