"""Votes on a review: each is independent, the majority is counted by code."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from lambdas.review.checks import Result, Status


class Verdict(StrEnum):
    """What a vote, and a review, says."""

    HEALTHY = "healthy"
    ATTENTION = "attention"
    URGENT = "urgent"
    UNKNOWN = "unknown"
    ABSTAIN = "abstain"


VOTED = (Verdict.HEALTHY, Verdict.ATTENTION, Verdict.URGENT)
WORST_FIRST = (Verdict.URGENT, Verdict.ATTENTION, Verdict.UNKNOWN, Verdict.HEALTHY)


def ballot(
    agent: str, results: Sequence[Result], *, vote: int, prompt_version: str
) -> dict[str, Any]:
    """Return what one voter is given: the checks in an order of its own, no other opinion."""

    def place(row: Result) -> str:
        return hashlib.sha256(f"{vote}:{row.id}".encode()).hexdigest()

    return {
        "task": "review_vote",
        "agent": agent,
        "vote": vote,
        "prompt_version": prompt_version,
        "checks": [
            {"id": row.id, "title": row.title, "status": row.status.value}
            for row in sorted(results, key=place)
        ],
    }


def read_vote(reply: Mapping[str, Any], results: Sequence[Result]) -> tuple[Verdict, list[str]]:
    """Return a reply's verdict and grounds; a reply that is no vote is an abstention.

    A verdict other than healthy must name at least one check, and one that did not pass.
    """
    verdict = reply.get("verdict")
    because = reply.get("because")
    if verdict not in [row.value for row in VOTED] or not isinstance(because, list):
        return Verdict.ABSTAIN, []
    known = {row.id: row for row in results}
    if not all(isinstance(item, str) and item in known for item in because):
        return Verdict.ABSTAIN, []
    chosen = Verdict(verdict)
    if chosen is not Verdict.HEALTHY and not any(
        known[item].status is not Status.PASS for item in because
    ):
        return Verdict.ABSTAIN, []
    return chosen, sorted(set(because))


def decide(votes: Sequence[Verdict], results: Sequence[Result], *, expected: int) -> Verdict:
    """Return the verdict of a review.

    More than half of the expected votes must agree, else it is unknown. No vote makes a failure
    good or missing data known: a failed check is at least `attention`, and a review with an
    unknown check, or without checks, is never `healthy`.
    """
    tally = Counter(vote for vote in votes if vote in VOTED)
    verdict = Verdict.UNKNOWN
    if tally:
        leading, count = max(tally.items(), key=lambda item: (item[1], item[0].value))
        if count * 2 > expected:
            verdict = leading
    if any(row.status is Status.FAIL for row in results) and verdict is not Verdict.URGENT:
        return Verdict.ATTENTION
    unknown = not results or any(row.status is Status.UNKNOWN for row in results)
    return Verdict.UNKNOWN if unknown and verdict is Verdict.HEALTHY else verdict


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst verdict; nothing to judge is unknown."""
    return next((row for row in WORST_FIRST if row in verdicts), Verdict.UNKNOWN)
