"""A queued order for better texts of one product."""

import json
from dataclasses import dataclass

from lambdas.decision.facts import FactSheet, parse_sheet


class BadOrder(ValueError):
    """A message that is no order, or whose sheet was altered: it goes to the dead letters."""


@dataclass(frozen=True)
class Order:
    """What to write: one sheet, one or more languages."""

    customer_id: str
    model_version: str
    decision_id: str
    prompt_version: str
    languages: tuple[str, ...]
    sheet: FactSheet


def parse_order(text: str) -> Order:
    """Return the order in a message body. Raises BadOrder."""
    try:
        raw = json.loads(text)
        sheet = parse_sheet(raw["sheet"])
        order = Order(
            customer_id=str(raw["customer_id"]),
            model_version=str(raw["model_version"]),
            decision_id=str(raw["decision_id"]),
            prompt_version=str(raw["prompt_version"]),
            languages=tuple(str(name) for name in raw["languages"]),
            sheet=sheet,
        )
        intact = raw["sheet_hash"] == sheet.hash
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadOrder(f"the message is no order: {type(error).__name__}") from error
    if not intact:
        raise BadOrder("the fact sheet is not the one that was hashed")
    if not sheet.facts or not order.languages:
        raise BadOrder("the order asks for nothing")
    return order
