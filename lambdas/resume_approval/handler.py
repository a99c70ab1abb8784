"""Entry point of the registry's event: a person decided, the pipeline goes on or ends."""

from typing import Any

from lambdas.control.settling import settle


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Send the decision to the waiting task; a repeated or foreign event changes nothing.

    Raises:
        StoreUnavailable: a store does not answer; the event comes again.
    """
    return {"outcome": settle(str(event.get("detail", {}).get("ModelPackageArn", "")))}
