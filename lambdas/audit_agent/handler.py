"""Entry point of the audit agent: `review` and `vote`."""

from typing import Any

from lambdas.review.agent import act
from lambdas.review.audit import audit_checks
from lambdas.stores import bundled


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda entry point; see `lambdas.review.agent.act` for events and errors."""
    return act(
        "audit",
        event,
        lambda snapshot, policy: audit_checks(
            snapshot, policy["audit"], languages=bundled.languages()
        ),
    )
