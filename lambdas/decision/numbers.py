"""How a fact's value is written for a reader: separators, unit words, currency."""

import math
from typing import TypedDict

MONEY = "money"
FLAG = "flag"
UNSHOWN = frozenset({"none", "score", "category"})
"""Units whose value says nothing to a reader: only the direction is told."""
WHOLE = frozenset({"count", "days", "months", "years"})
PERCENT = frozenset({"share", "ratio"})
COUNT = "count"


class NumberRules(TypedDict):
    """Separators and patterns of one language."""

    thousands: str
    decimal: str
    units: dict[str, str]
    counters: dict[str, str]
    currencies: dict[str, str]


class Currency(TypedDict):
    """ISO 4217 code and digits after the decimal sign; values are integers of minor units."""

    code: str
    minor_digits: int


def _grouped(value: float, digits: int, rules: NumberRules) -> str:
    text = f"{value:,.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", rules["thousands"] + rules["decimal"]))


def shows_value(unit: str) -> bool:
    """Tell whether values of this unit are shown as numbers."""
    return unit not in UNSHOWN and unit != FLAG


def _pattern(unit: str, label: str, rules: NumberRules) -> str | None:
    if unit == COUNT:
        endings = sorted(rules["counters"], key=len, reverse=True)
        fitting = next((ending for ending in endings if label.endswith(ending)), None)
        if fitting is not None:
            return rules["counters"][fitting]
    return rules["units"].get(unit)


def render_value(
    value: float, unit: str, *, label: str, rules: NumberRules, currency: Currency
) -> str:
    """Return a value as the reader sees it, e.g. 1234567 minor units -> `12,345.67`.

    Args:
        value: the raw value; shares and ratios as parts of one, money in minor units.
        label: what is counted; some languages choose the counter by it.
        unit: a key of `rules.units`, or `money`.

    Raises:
        ValueError: the value is not finite, or the unit has no pattern.
    """
    if not math.isfinite(value):
        raise ValueError(f"a value of unit '{unit}' is not finite")
    if unit == MONEY:
        major = value / 10 ** currency["minor_digits"]
        digits = 0 if abs(major) >= 1000 else currency["minor_digits"]
        pattern = rules["currencies"].get(currency["code"])
        if pattern is None:
            raise ValueError(f"no pattern for currency '{currency['code']}'")
        return pattern.format(value=_grouped(major, digits, rules))
    pattern = _pattern(unit, label, rules)
    if pattern is None:
        raise ValueError(f"no pattern for unit '{unit}'")
    if unit in PERCENT:
        return pattern.format(value=_grouped(value * 100, 1, rules))
    digits = 0 if unit in WHOLE and float(value).is_integer() else 1
    return pattern.format(value=_grouped(value, digits, rules))
