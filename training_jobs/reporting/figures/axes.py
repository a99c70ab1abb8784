"""Charts over two axes, straight or logarithmic: lines, and columns beside each other."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training_jobs.reporting.figures.scale import Scale, labels
from training_jobs.reporting.figures.svg import drawing, line, polyline, rect, text
from training_jobs.reporting.markup import Html, el

WIDTH, HEIGHT = 540.0, 286.0
LEFT, RIGHT, BOTTOM = 72.0, 14.0, 44.0
LEGEND_ROW, LETTER, SWATCH = 16.0, 6.4, 22.0
TICKS = 5
SERIES = 8
"""Series with a colour of their own."""

Shown = Callable[[float], str]


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: what is measured, with its unit.
        log: whether it runs in powers of ten.
        low, high: its ends; None takes them from the values.
        shown: text of a tick; None writes the number.
        named: (value, text) of the ticks where they do not stand at round numbers.
    """

    title: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    shown: Shown | None = None
    named: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Series:
    """Points of one line; `colour` counts from 0."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int


def _place(axis: Axis, value: float) -> float:
    return math.log10(value) if axis.log else value


def _span(axis: Axis, values: Sequence[float], start: float, end: float) -> Scale:
    known = [_place(axis, value) for value in values if not axis.log or value > 0] or [0.0, 1.0]
    low = min(known) if axis.low is None else _place(axis, axis.low)
    high = max(known) if axis.high is None else _place(axis, axis.high)
    return Scale(low, high if high > low else low + 1.0, start, end)


def _ticks(axis: Axis, scale: Scale) -> list[tuple[float, str]]:
    """Return (value on the scale, text) of the ticks."""
    if axis.named:
        return [row for row in axis.named if scale.low <= row[0] <= scale.high]
    if axis.log:
        powers = range(math.ceil(scale.low - 1e-9), math.floor(scale.high + 1e-9) + 1)
        shown = axis.shown or (lambda value: f"{value:,.10g}")
        return [(float(power), shown(10.0**power)) for power in powers]
    values = scale.ticks(TICKS)
    if axis.shown is not None:
        return [(value, axis.shown(value)) for value in values]
    return list(zip(values, labels(values), strict=True))


def legend(names: Sequence[str], *, width: float) -> tuple[list[Html], float]:
    """Return swatches with names, in lines as long as the width, and the height they take."""
    parts: list[Html] = []
    x, y = LEFT, 0.0
    for place, name in enumerate(names):
        needed = SWATCH + LETTER * len(name) + 14
        if x + needed > width and x > LEFT:
            x, y = LEFT, y + LEGEND_ROW
        parts.append(rect(x, y + 3, 12, 9, kind=f"fill t{place % SERIES}"))
        parts.append(text(x + 17, y + 11.5, name, kind="tick"))
        x += needed
    return parts, y + LEGEND_ROW if names else 0.0


def _frame(across: Axis, up: Axis, x: Scale, y: Scale, top: float) -> list[Html]:
    bottom = HEIGHT - BOTTOM
    parts: list[Html] = []
    for value, shown in _ticks(up, y):
        at = y.at(value)
        parts.append(line(LEFT, at, WIDTH - RIGHT, at, kind="rule"))
        parts.append(text(LEFT - 6, at + 3.5, shown, kind="tick", anchor="end"))
    for value, shown in _ticks(across, x):
        parts.append(line(x.at(value), bottom, x.at(value), bottom + 4, kind="axis"))
        parts.append(text(x.at(value), bottom + 16, shown, kind="tick", anchor="middle"))
    return [
        *parts,
        line(LEFT, bottom, WIDTH - RIGHT, bottom, kind="axis"),
        *_titles(across, up, top),
    ]


def _titles(across: Axis, up: Axis, top: float) -> list[Html]:
    middle = (top + HEIGHT - BOTTOM) / 2
    return [
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across.title, kind="note", anchor="middle"),
        el(
            "text",
            up.title,
            x=-middle,
            y=12.0,
            class_="note",
            text_anchor="middle",
            transform="rotate(-90)",
        ),
    ]


def line_chart(
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    *,
    title: str,
    references: Sequence[float] = (),
) -> Html:
    """Return lines over a common pair of axes, named by a legend where there are several.

    Args:
        series: the lines; on a logarithmic axis, points at 0 and below are left out.
        across, up: the axes.
        title: what a screen reader says.
        references: heights of dashed lines.
    """
    named = [row.name for row in series] if len(series) > 1 else []
    parts, top = legend(named, width=WIDTH)
    top += 12
    x = _span(across, [p[0] for row in series for p in row.points], LEFT, WIDTH - RIGHT)
    heights = [p[1] for row in series for p in row.points]
    y = _span(up, [*heights, *references], HEIGHT - BOTTOM, top)
    parts += _frame(across, up, x, y, top)
    for value in references:
        at = y.at(_place(up, value))
        parts.append(line(LEFT, at, WIDTH - RIGHT, at, kind="reference"))
    for row in series:
        points = [
            (x.at(_place(across, px)), y.at(_place(up, py)))
            for px, py in row.points
            if (px > 0 or not across.log) and (py > 0 or not up.log)
        ]
        parts.append(polyline(points, kind=f"run t{row.colour % SERIES}"))
    return drawing(WIDTH, HEIGHT, parts, title=title, kind="chart")


def columns(
    names: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    across: Axis,
    up: Axis,
    *,
    title: str,
) -> Html:
    """Return columns from 0, series side by side; where names have no room, every n-th stands.

    Args:
        names: below the columns.
        series: name and one height a column.
        across, up: the axes; `across` gives the title alone.
        title: what a screen reader says.
    """
    parts, top = legend([name for name, _ in series] if len(series) > 1 else [], width=WIDTH)
    top += 12
    highest = max((value for _, heights in series for value in heights), default=0.0) or 1.0
    y = Scale(0.0, highest, HEIGHT - BOTTOM, top)
    room = (WIDTH - RIGHT - LEFT) / max(len(names), 1)
    bar = room * 0.78 / max(len(series), 1)
    every = max(1, math.ceil((max(map(len, names), default=1) * LETTER + 4) / room))
    parts += _frame(Axis(across.title), up, Scale(0.0, 1.0, -1e9, -1e9), y, top)
    for place, name in enumerate(names):
        left = LEFT + room * place
        for number, (_, heights) in enumerate(series):
            at = y.at(heights[place])
            parts.append(
                rect(
                    left + room * 0.11 + bar * number,
                    at,
                    bar,
                    HEIGHT - BOTTOM - at,
                    kind=f"fill t{number % SERIES}",
                )
            )
        if place % every == 0:
            middle = left + room / 2
            parts.append(text(middle, HEIGHT - BOTTOM + 16, name, kind="tick", anchor="middle"))
    return drawing(WIDTH, HEIGHT, parts, title=title, kind="chart")
