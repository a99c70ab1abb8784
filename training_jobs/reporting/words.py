"""Numbers and times as text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NOTHING = "–"
"""Stands where a value is undefined or was not measured."""
FIRM = "\N{NO-BREAK SPACE}"
BYTES_A_STEP = 1024
HASH_DIGITS = 12


def number(value: float | None) -> str:
    """Return a measured value with about three digits."""
    if value is None:
        return NOTHING
    size_ = abs(value)
    if size_ >= 1000:
        return f"{value:,.0f}"
    if value == 0 or size_ >= 0.001:
        return f"{value:.3f}"
    return f"{value:.4f}" if size_ >= 0.0001 else f"{value:.1e}"


def measured(value: float | None) -> str:
    """Return a value that may be a number of things: whole numbers without decimals."""
    if value is not None and float(value).is_integer():
        return count(value)
    return number(value)


def count(value: float | None) -> str:
    """Return a number of things."""
    return NOTHING if value is None else f"{value:,.0f}"


def compact(value: float) -> str:
    """Return a value in a few characters, e.g. `1.2M`, `340`, `0.05`."""
    size_ = abs(value)
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size_ >= unit:
            return f"{value / unit:.3g}{letter}"
    return "0" if size_ < 1e-9 else f"{value:.3g}"


def share(value: float | None, *, digits: int = 1) -> str:
    """Return a share as a percentage."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}%"


def estimate(found: Mapping[str, Any] | None) -> str:
    """Return a value with its interval, e.g. `0.713 [0.671, 0.752]`; it may break between them."""
    if found is None or found["value"] is None:
        return NOTHING
    if found["low"] is None or found["high"] is None:
        return f"{number(found['value'])} (no interval)"
    interval = f"[{number(found['low'])}, {number(found['high'])}]".replace(" ", FIRM)
    return f"{number(found['value'])} {interval}"


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def usd(value: float) -> str:
    """Return an amount in US dollars; small jobs cost less than a cent."""
    return f"{value:,.4f} USD" if value < 1 else f"{value:,.2f} USD"


def moment(epoch: float) -> str:
    """Return epoch seconds as UTC."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"


def size(value: int) -> str:
    """Return bytes in the unit that suits them."""
    if value < BYTES_A_STEP:
        return f"{value} B"
    kib = value / BYTES_A_STEP
    return f"{kib:,.0f} KiB" if kib < BYTES_A_STEP else f"{kib / BYTES_A_STEP:,.1f} MiB"


def short(hash_: str) -> str:
    """Return the first digits of a hash; a leading `sha256:` is kept."""
    scheme, colon, digits = hash_.rpartition(":")
    return f"{scheme}{colon}{digits[:HASH_DIGITS]}"


def plural(number_: int, one: str, many: str | None = None) -> str:
    """Return e.g. `1 task`, `2 tasks`."""
    return f"{number_:,} {one if number_ == 1 else many or one + 's'}"
