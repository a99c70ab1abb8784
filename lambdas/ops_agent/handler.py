"""Entry point of the ops agent: `review` and `vote`."""

from typing import Any

from lambdas.review.agent import act
from lambdas.review.ops import ops_checks


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda entry point; see `lambdas.review.agent.act` for events and errors."""
    return act("ops", event, lambda snapshot, policy: ops_checks(snapshot, policy["ops"]))
