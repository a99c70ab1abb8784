"""Small shaded cells with their numbers, and shares as stacked rows."""

from collections.abc import Sequence

from training_jobs.reporting.figures.axes import SERIES, legend
from training_jobs.reporting.figures.heatmap import shade
from training_jobs.reporting.figures.svg import drawing, rect, text
from training_jobs.reporting.markup import Html, el

LABEL = 190.0
LONGEST = 26
"""Letters of a row's name that have room."""
CELL = 33.0
ROW = 25.0
LETTER = 5.6
DARK_FROM = 0.55
STACK, STACK_ROW = 700.0, 27.0
LEAST = 0.035
"""Shares below it have no room for their number."""


def _row_name(name: str, y: float) -> Html:
    cut = name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"
    return text(LABEL - 8, y, cut, kind="row", anchor="end")


def matrix(
    rows: Sequence[tuple[str, Sequence[float | None]]],
    names: Sequence[str],
    *,
    full: float,
    shown: str,
    title: str,
    width: float = CELL,
) -> Html:
    """Return a grid of values, darkest at `full`; None stays empty.

    Args:
        rows: name and one value a column.
        names: of the columns, written upwards.
        full: value of the darkest shade.
        shown: format of the numbers in the cells, e.g. `.0%`.
        title: what a screen reader says.
        width: of a cell, in pixels.
    """
    head = LETTER * max((len(name) for name in names), default=0) + 10
    parts: list[Html] = []
    for at, name in enumerate(names):
        x = LABEL + width * (at + 0.5) + 4
        parts.append(
            el(
                "text",
                name,
                class_="tick",
                transform=f"translate({x:.2f} {head - 6:.2f}) rotate(-90)",
            )
        )
    for place, (name, values) in enumerate(rows):
        y = head + ROW * place
        parts.append(_row_name(name, y + ROW / 2 + 4))
        for at, value in enumerate(values):
            if value is None:
                continue
            x = LABEL + width * at
            part = min(value / full, 1.0)
            ground = "on-dark" if part >= DARK_FROM else "on-light"
            parts.append(rect(x + 0.5, y + 0.5, width - 1, ROW - 1, kind="cell", fill=shade(part)))
            parts.append(
                text(
                    x + width / 2,
                    y + ROW / 2 + 3.5,
                    format(value, shown),
                    kind=f"value {ground}",
                    anchor="middle",
                )
            )
    return drawing(
        LABEL + width * len(names) + 4,
        head + ROW * len(rows) + 4,
        parts,
        title=title,
        kind="matrix",
    )


def stacked(
    rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], *, title: str
) -> Html:
    """Return one bar a row, divided by shares that sum to 1, with a legend.

    Args:
        rows: name and one share a part.
        names: of the parts.
        title: what a screen reader says.
    """
    width = LABEL + STACK + 12
    parts, top = legend(names, width=width)
    top += 8
    for place, (name, shares) in enumerate(rows):
        y = top + STACK_ROW * place
        parts.append(_row_name(name, y + STACK_ROW / 2 + 4))
        x = LABEL
        for number, part in enumerate(shares):
            size = STACK * part
            parts.append(rect(x, y + 2, size, STACK_ROW - 5, kind=f"fill t{number % SERIES}"))
            if part >= LEAST:
                middle = x + size / 2
                parts.append(
                    text(middle, y + 16.5, f"{part:.0%}", kind="value on-dark", anchor="middle")
                )
            x += size
    return drawing(width, top + STACK_ROW * len(rows) + 4, parts, title=title, kind="stacked")
