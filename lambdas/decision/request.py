"""What a caller may ask: parsing with an answer for everything that is not in order."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.decision.policy import RequestPolicy

CUSTOMER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
FIELDS = ("customer_id", "top_k", "language", "context")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request. `field` is empty for the body as a whole."""

    field: str
    problem: str


class RequestRefused(Exception):
    """A request that is not answered: status 400, 413 or 422, with every problem found."""

    def __init__(self, status: int, code: str, problems: list[Problem]) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = problems


@dataclass(frozen=True)
class Request:
    """A valid request. `languages` are those the reasons are written in."""

    customer_id: str
    top_k: int
    languages: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)


def _body(text: str | None, policy: RequestPolicy) -> dict[str, Any]:
    if not text or not text.strip():
        raise RequestRefused(400, "empty_body", [Problem("", "the body is empty")])
    if len(text.encode()) > policy["body_bytes"]:
        problem = Problem("", f"the body is larger than {policy['body_bytes']} bytes")
        raise RequestRefused(413, "body_too_large", [problem])
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, "not_json", [Problem("", "the body is not JSON")]) from error
    if not isinstance(body, dict):
        raise RequestRefused(400, "not_an_object", [Problem("", "the body is not a JSON object")])
    return body


def _context(raw: Any, policy: RequestPolicy, problems: list[Problem]) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        problems.append(Problem("context", "must be an object"))
        return {}
    for key, value in raw.items():
        if key not in policy["context_keys"]:
            allowed = ", ".join(policy["context_keys"])
            problems.append(Problem("context", f"holds an unknown key (allowed: {allowed})"))
        elif not isinstance(value, str) or len(value) > policy["context_value_length"]:
            limit = policy["context_value_length"]
            problems.append(Problem(f"context.{key}", f"must be a string of at most {limit}"))
    return raw


def parse_request(text: str | None, policy: RequestPolicy) -> Request:
    """Return the request in a body.

    Raises:
        RequestRefused: with all problems found; values of the caller are not repeated.
    """
    body = _body(text, policy)
    problems: list[Problem] = []
    if set(body) - set(FIELDS):
        unknown = sorted(key for key in body if key not in FIELDS)
        names = ", ".join(re.sub(r"[^A-Za-z0-9_.-]", "?", key)[:40] for key in unknown[:5])
        problem = f"unknown field (allowed: {', '.join(FIELDS)})"
        problems.append(Problem(names, problem))
    customer = body.get("customer_id")
    if not isinstance(customer, str) or not CUSTOMER_ID.fullmatch(customer):
        problem = "must be a string of 1 to 128 letters, digits or _ . : -"
        problems.append(Problem("customer_id", "is missing" if customer is None else problem))
    top_k = body.get("top_k", policy["top_k_default"])
    if isinstance(top_k, bool) or not isinstance(top_k, int):
        problems.append(Problem("top_k", "must be an integer"))
    elif not 1 <= top_k <= policy["top_k_maximum"]:
        problems.append(Problem("top_k", f"must be from 1 to {policy['top_k_maximum']}"))
    language = body.get("language")
    if language is not None and language not in policy["languages"]:
        allowed = ", ".join(policy["languages"])
        problems.append(Problem("language", f"must be one of: {allowed}"))
    context = _context(body.get("context"), policy, problems)
    if problems:
        raise RequestRefused(422, "invalid_request", problems)
    languages = tuple(policy["languages"]) if language is None else (str(language),)
    return Request(str(customer), int(top_k), languages, context)
