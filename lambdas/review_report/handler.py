"""Entry point: counts the votes and writes the report as JSON and Markdown."""

import json
import logging
from functools import cache
from typing import Any

from lambdas.review.agent import review_key, vote_key
from lambdas.review.report import agent_part, as_json, as_markdown
from lambdas.stores import bundled
from lambdas.stores.bounded import StoreUnavailable, bounded_client
from lambdas.stores.review_files import ReviewFiles

logger = logging.getLogger("review_report")
logger.setLevel(logging.INFO)
AGENTS = ("ops", "audit")


@cache
def files() -> ReviewFiles:
    """Return the audit bucket."""
    return ReviewFiles(bounded_client("s3"))


def _read(key: str) -> dict[str, Any] | None:
    """Return a file of the review, None when it cannot be read: the report says so."""
    try:
        return dict(files().read(key))
    except StoreUnavailable:
        return None


def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Lambda entry point: `{"prefix", "snapshot", "execution"}` -> keys and the verdict.

    Raises:
        StoreUnavailable: the report could not be written.
        KeyError: the event lacks a key.
    """
    prefix = str(event["prefix"])
    expected = bundled.agents_policy()["review"]["votes"]
    parts = [
        agent_part(
            agent,
            _read(review_key(prefix, agent)),
            cast=[_read(vote_key(prefix, agent, vote)) for vote in range(1, expected + 1)],
            expected=expected,
        )
        for agent in AGENTS
    ]
    report = as_json(
        parts,
        execution=str(event["execution"]).rsplit(":", 1)[-1],
        snapshot=_read(str(event["snapshot"])) or {},
    )
    answer = {
        "report": files().write(f"{prefix}report.json", report),
        "markdown": files().write_text(f"{prefix}report.md", as_markdown(report), "text/markdown"),
        "verdict": str(report["verdict"]),
    }
    logger.info(json.dumps({"message": "reported", **answer}))
    return answer
