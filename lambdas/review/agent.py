"""What both review agents do: check by code, let a model tell it, and vote."""

import json
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lambdas.decision.policy import ReviewPolicy
from lambdas.review import narrative, votes
from lambdas.review.checks import Result, counts
from lambdas.stores import bundled
from lambdas.stores.bounded import StoreUnavailable, bounded_client
from lambdas.stores.converse import BadReply, Budget, Converser
from lambdas.stores.review_files import ReviewFiles

logger = logging.getLogger("review")
logger.setLevel(logging.INFO)
Checks = Callable[[Mapping[str, Any], ReviewPolicy], list[Result]]


@cache
def files() -> ReviewFiles:
    """Return the audit bucket."""
    return ReviewFiles(bounded_client("s3"))


@cache
def model() -> Converser:
    """Return the language model."""
    return Converser()


def review_key(prefix: str, agent: str) -> str:
    """Return where an agent's review lies."""
    return f"{prefix}{agent}-review.json"


def vote_key(prefix: str, agent: str, vote: int) -> str:
    """Return where one vote lies."""
    return f"{prefix}{agent}-vote-{vote}.json"


def _budget(policy: ReviewPolicy, temperature: float) -> Budget:
    return Budget(
        model=policy["model"],
        max_tokens=policy["max_tokens"],
        attempts=policy["attempts"],
        seconds=policy["seconds"],
        temperature=temperature,
    )


def _told(
    agent: str, results: list[Result], policy: ReviewPolicy
) -> tuple[list[dict[str, str]], str, str]:
    """Return (sentences, who wrote them, why not the model)."""
    document = narrative.request(agent, results, prompt_version=policy["prompt_version"])
    try:
        reply = model().ask(
            bundled.prompt("en", "review_narrative"),
            document,
            budget=_budget(policy, policy["temperature"]),
        )
        return narrative.findings(reply, results), "model", ""
    except (StoreUnavailable, BadReply, narrative.BadNarrative) as error:
        reason = error.problem if isinstance(error, StoreUnavailable) else str(error)
        return narrative.plain_findings(results), "code", reason


def _review(agent: str, event: Mapping[str, Any], checks: Checks) -> dict[str, Any]:
    policy = bundled.agents_policy()["review"]
    results = checks(files().read(str(event["snapshot"])), policy)
    sentences, author, reason = _told(agent, results, policy)
    key = files().write(
        review_key(str(event["prefix"]), agent),
        {
            "agent": agent,
            "checks": [row.as_json() for row in results],
            "counts": counts(results),
            "findings": sentences,
            "written_by": author,
            "not_by_model_because": reason,
            "prompt_version": policy["prompt_version"],
        },
    )
    return {"agent": agent, "review": key, "counts": counts(results)}


def _vote(agent: str, event: Mapping[str, Any], checks: Checks) -> dict[str, Any]:
    policy = bundled.agents_policy()["review"]
    number = int(event["vote"])
    results = checks(files().read(str(event["snapshot"])), policy)
    document = votes.ballot(agent, results, vote=number, prompt_version=policy["prompt_version"])
    try:
        reply = model().ask(
            bundled.prompt("en", "review_vote"),
            document,
            budget=_budget(policy, policy["vote_temperature"]),
        )
        verdict, because = votes.read_vote(reply, results)
    except (StoreUnavailable, BadReply):
        verdict, because = votes.Verdict.ABSTAIN, []
    key = files().write(
        vote_key(str(event["prefix"]), agent, number),
        {"agent": agent, "vote": number, "verdict": verdict.value, "because": because},
    )
    return {"agent": agent, "vote": number, "key": key, "verdict": verdict.value}


def act(agent: str, event: Mapping[str, Any], checks: Checks) -> dict[str, Any]:
    """Do what the event's `action` says: `review` or `vote`.

    A vote computes the checks from the snapshot anew and sees no other opinion.

    Raises:
        StoreUnavailable: the snapshot cannot be read or the result not be written.
        ValueError: another action.
        KeyError: the event lacks a key.
    """
    action = event["action"]
    if action == "review":
        answer = _review(agent, event, checks)
    elif action == "vote":
        answer = _vote(agent, event, checks)
    else:
        raise ValueError(f"action '{action}' is neither 'review' nor 'vote'")
    logger.info(json.dumps({"message": action, **answer}))
    return answer
