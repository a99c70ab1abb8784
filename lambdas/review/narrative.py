"""What a model may say about checks: sentences with slots; code decides, code falls back."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.review.checks import Result, Status

SLOTS = re.compile(r"\{(value|bound)\}")
PRAISE = re.compile(
    r"\b(pass(es|ed)?|fine|healthy|good|ok|okay|no (issue|problem|concern)s?|as expected"
    r"|acceptable|normal)\b",
    re.IGNORECASE,
)
LONGEST = 300


class BadNarrative(ValueError):
    """A reply that may not be shown."""


def request(agent: str, results: Sequence[Result], *, prompt_version: str) -> dict[str, Any]:
    """Return what the model is given: ids, titles and statuses, no figure."""
    return {
        "task": "review_narrative",
        "agent": agent,
        "language": "en",
        "prompt_version": prompt_version,
        "checks": [
            {"id": row.id, "title": row.title, "status": row.status.value} for row in results
        ],
    }


def _sentence(text: Any, result: Result) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise BadNarrative(f"the sentence on {result.id} is no short text")
    literal = SLOTS.sub(" ", text)
    literal = literal.replace(result.title, " ")
    if any(unicodedata.category(sign).startswith("N") for sign in literal):
        raise BadNarrative(f"the sentence on {result.id} holds a number outside of a slot")
    if "{" in literal or "}" in literal:
        raise BadNarrative(f"the sentence on {result.id} holds an unknown slot")
    if result.status is not Status.PASS and PRAISE.search(literal):
        raise BadNarrative(f"the sentence on {result.id} contradicts its status")
    return SLOTS.sub(lambda slot: result.value if slot[1] == "value" else result.bound, text)


def findings(reply: Mapping[str, Any], results: Sequence[Result]) -> list[dict[str, str]]:
    """Return the sentences of a reply, slots filled, in the order of the checks.

    Raises:
        BadNarrative: a check that is not there, told twice or left out although it did not
            pass, or a sentence with a number, an unknown slot, or praise for a failure.
    """
    rows = reply.get("findings")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise BadNarrative("the reply has no list of findings")
    told = [row.get("check") for row in rows]
    if len(set(map(str, told))) != len(told):
        raise BadNarrative("a check is told twice")
    known = {row.id: row for row in results}
    if not set(map(str, told)) <= set(known):
        raise BadNarrative("a check is named that is not there")
    if any(row.status is not Status.PASS and row.id not in told for row in results):
        raise BadNarrative("a check that did not pass is left out")
    sentences = {str(row["check"]): _sentence(row.get("text"), known[row["check"]]) for row in rows}
    return [{"check": row.id, "text": sentences[row.id]} for row in results if row.id in sentences]


def plain_findings(results: Sequence[Result]) -> list[dict[str, str]]:
    """Return the sentences that code writes when no model's reply may be shown."""
    rows = []
    for row in results:
        if row.status is Status.FAIL:
            text = f"{row.title}: measured {row.value}, expected {row.bound}."
            rows.append({"check": row.id, "text": text})
        elif row.status is Status.UNKNOWN:
            text = f"{row.title}: could not be measured, so nothing is claimed."
            rows.append({"check": row.id, "text": text})
    return rows
