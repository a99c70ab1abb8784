"""From values to positions, with ticks at round numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Round numbers, between which ticks stand."""
MARGIN = 0.06
"""Room beyond the outermost values, as a share of their range."""


@dataclass(frozen=True)
class Scale:
    """A straight line from [low, high] to [start, end] in pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Return at most `most` round values inside the range."""
        step = _step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in STEPS if power * step >= least * (1 - 1e-9))


def around(values: Iterable[float], *, start: float, end: float) -> Scale:
    """Return a scale that holds all values with some room; one value stands in the middle."""
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    room = (high - low) * MARGIN or max(abs(high) * MARGIN, MARGIN)
    return Scale(low - room, high + room, start, end)


def label(value: float, step: float) -> str:
    """Return a tick's text with as many digits as the step between ticks needs."""
    if abs(value) < step / 2:
        return "0"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step * 10**digits, 6) % 1:
        digits += 1
    return f"{value:,.{digits}f}"


def labels(ticks: list[float]) -> list[str]:
    """Return the texts of ticks."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) if ticks else 1.0
    return [label(value, step or 1.0) for value in ticks]
