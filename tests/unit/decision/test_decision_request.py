"""Every malformed request has a defined answer that does not repeat the caller's values."""

import json
from typing import Any

import pytest

from lambdas.decision.request import RequestRefused, parse_request
from tests.fixtures import serving

RULES = serving.policy()["request"]


def refused(text: str | None) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parse_request(text, RULES)
    return caught.value


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (None, 400, "empty_body"),
        ("", 400, "empty_body"),
        ("  \n", 400, "empty_body"),
        ("{", 400, "not_json"),
        ("[" * 100_000, 413, "body_too_large"),
        ("[" * 2_000, 400, "not_json"),
        ("[]", 400, "not_an_object"),
        ('"C1"', 400, "not_an_object"),
        (
            json.dumps({"customer_id": "C1", "context": {"channel": "x" * 9000}}),
            413,
            "body_too_large",
        ),
        ("{}", 422, "invalid_request"),
    ],
)
def test_bodies(text: str | None, status: int, code: str) -> None:
    problem = refused(text)
    assert (problem.status, problem.code) == (status, code)
    assert problem.problems


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_id": None}, "customer_id"),
        ({"customer_id": 12}, "customer_id"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "a b"}, "customer_id"),
        ({"customer_id": "x" * 129}, "customer_id"),
        ({"customer_id": "C1\n"}, "customer_id"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 8}, "top_k"),
        ({"top_k": "3"}, "top_k"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"top_k": None}, "top_k"),
        ({"language": "fr"}, "language"),
        ({"language": 1}, "language"),
        ({"language": ["ko"]}, "language"),
        ({"context": []}, "context"),
        ({"context": {"mood": "good"}}, "context"),
        ({"context": {"channel": 1}}, "context.channel"),
        ({"context": {"channel": "x" * 65}}, "context.channel"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_each_field(changes: dict[str, Any], field: str) -> None:
    problem = refused(json.dumps({"customer_id": "C1"} | changes))
    assert problem.status == 422
    assert [row.field for row in problem.problems] == [field]


def test_all_problems_are_told_at_once() -> None:
    problem = refused(json.dumps({"top_k": 0, "language": "fr", "colour": 1}))
    assert {row.field for row in problem.problems} == {"colour", "customer_id", "top_k", "language"}


def test_a_value_is_not_repeated() -> None:
    problem = refused(json.dumps({"customer_id": "secret value", "<x>": 1}))
    assert "secret" not in str(problem.problems)
    assert "<" not in str(problem.problems)


def test_defaults() -> None:
    request = parse_request('{"customer_id": "C1"}', RULES)
    assert (request.top_k, request.languages, dict(request.context)) == (3, ("ko", "en"), {})
    only = parse_request('{"customer_id": "C1", "language": "en", "top_k": 7}', RULES)
    assert (only.top_k, only.languages) == (7, ("en",))
