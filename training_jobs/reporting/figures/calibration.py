"""Calibration curves: what was predicted against what happened."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from training_jobs.reporting.figures.scale import Scale, around, labels
from training_jobs.reporting.figures.svg import drawing, line, polyline, text
from training_jobs.reporting.markup import Html, el

SIZE = 236.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 10.0, 10.0, 34.0
TICKS = 4
Z = 1.959964
"""Standard normal quantile of a two-sided interval of 95 percent."""


@dataclass(frozen=True)
class Curve:
    """One curve: points (predicted, observed, rows), and how it is drawn."""

    kind: str
    points: tuple[tuple[float, float, int], ...]


def wilson(rate: float, rows: int) -> tuple[float, float]:
    """Return the 95 percent interval of a rate (Wilson, 1927)."""
    middle = (rate + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
    half = Z / (1 + Z * Z / rows) * math.sqrt(rate * (1 - rate) / rows + Z * Z / (4 * rows * rows))
    return middle - half, middle + half


def _scale(curves: Sequence[Curve], *, rates: bool) -> Scale:
    seen = [value for curve in curves for point in curve.points for value in point[:2]]
    if rates:
        # From 0, so that a rare outcome is seen to be rare; never beyond what a rate can be.
        high = min(1.0, max(seen, default=1.0) * 1.1) or 1.0
        return Scale(0.0, high, 0.0, 1.0)
    return around(seen, start=0.0, end=1.0)


def calibration_plot(curves: Sequence[Curve], *, rates: bool, title: str) -> Html:
    """Return the plot of curves over the same rows, with the line of perfect calibration.

    Args:
        curves: the last one carries intervals where the outcome is a rate.
        rates: whether predictions and outcomes are rates.
        title: what a screen reader says.
    """
    unit = _scale(curves, rates=rates)
    across = Scale(unit.low, unit.high, LEFT, SIZE - RIGHT)
    up = Scale(unit.low, unit.high, SIZE - BOTTOM, TOP)
    parts: list[Html] = []
    ticks = unit.ticks(TICKS)
    for value, shown in zip(ticks, labels(ticks), strict=True):
        x, y = across.at(value), up.at(value)
        parts.append(line(x, TOP, x, SIZE - BOTTOM, kind="rule"))
        parts.append(line(LEFT, y, SIZE - RIGHT, y, kind="rule"))
        parts.append(text(x, SIZE - BOTTOM + 13, shown, kind="tick", anchor="middle"))
        parts.append(text(LEFT - 5, y + 3.5, shown, kind="tick", anchor="end"))
    ends = (unit.low, unit.high)
    parts.append(polyline([(across.at(v), up.at(v)) for v in ends], kind="reference"))
    parts.append(
        text((LEFT + SIZE - RIGHT) / 2, SIZE - 4, "predicted", kind="note", anchor="middle")
    )
    parts.append(
        el(
            "text",
            "observed",
            x=float(-(TOP + SIZE - BOTTOM) / 2),
            y=10.0,
            class_="note",
            text_anchor="middle",
            transform="rotate(-90)",
        )
    )
    for place, curve in enumerate(curves):
        at = [(across.at(p), up.at(min(o, unit.high))) for p, o, _ in curve.points]
        if rates and place == len(curves) - 1:
            for predicted, observed, rows in curve.points:
                low, high = wilson(observed, rows)
                x = across.at(predicted)
                parts.append(
                    line(
                        x,
                        up.at(max(low, 0)),
                        x,
                        up.at(min(high, unit.high)),
                        kind=f"whisker {curve.kind}",
                    )
                )
        parts.append(polyline(at, kind=f"curve {curve.kind}"))
        parts += [
            el("circle", cx=float(x), cy=float(y), r=3.2, class_=f"point {curve.kind}")
            for x, y in at
        ]
    return drawing(SIZE, SIZE, parts, title=title, kind="calibration")
