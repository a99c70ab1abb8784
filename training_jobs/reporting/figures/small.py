"""Drawings that fit beside text: a course over months, rates by split, class shares, bars."""

from collections.abc import Sequence

from training_jobs.reporting.figures.scale import Scale
from training_jobs.reporting.figures.svg import drawing, line, polyline, rect, text
from training_jobs.reporting.markup import Html, el

COURSE_WIDTH, COURSE_HEIGHT = 236.0, 84.0
DOTS_WIDTH, DOTS_HEIGHT = 96.0, 26.0
BAR_WIDTH, BAR_ROW, BAR_LABEL, BAR_VALUE = 560.0, 24.0, 150.0, 220.0
SHADES = 6


def course(
    values: Sequence[float | None], *, first: str, last: str, shown: tuple[str, str], title: str
) -> Html:
    """Return a line over equal steps of time, from 0 to the largest value; gaps stay gaps.

    Args:
        values: one a step.
        first, last: names of the outermost steps.
        shown: text of 0 and of the largest value.
        title: what a screen reader says.
    """
    left, right, top, bottom = 8.0, COURSE_WIDTH - 8, 16.0, COURSE_HEIGHT - 18
    highest = max((v for v in values if v is not None), default=0.0) or 1.0
    across = Scale(0.0, float(max(len(values) - 1, 1)), left, right)
    up = Scale(0.0, highest, bottom, top)
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((across.at(at), up.at(value)))
    parts = [
        line(left, bottom, right, bottom, kind="axis"),
        line(left, top, right, top, kind="rule"),
        text(right, top - 4, shown[1], kind="tick", anchor="end"),
        text(left, bottom + 13, first, kind="tick"),
        text(right, bottom + 13, last, kind="tick", anchor="end"),
        [polyline(piece, kind="course") for piece in pieces if piece],
    ]
    return drawing(COURSE_WIDTH, COURSE_HEIGHT, parts, title=title, kind="small")


def dots(values: Sequence[float | None], *, title: str) -> Html:
    """Return one dot a split at the height of its value: drift is seen as a slope."""
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    up = Scale(low, high if high > low else low + 1.0, DOTS_HEIGHT - 4, 4.0)
    step = (DOTS_WIDTH - 16) / max(len(values) - 1, 1)
    at = [(8 + step * place, up.at(v)) for place, v in enumerate(values) if v is not None]
    parts = [
        line(2, up.at(0.0), DOTS_WIDTH - 2, up.at(0.0), kind="axis"),
        polyline(at, kind="course") if at else None,
        [el("circle", cx=x, cy=y, r=2.6, class_="split") for x, y in at],
    ]
    return drawing(DOTS_WIDTH, DOTS_HEIGHT, parts, title=title, kind="small")


def stacks(rows: Sequence[Sequence[int]], *, title: str) -> Html:
    """Return the shares of classes, one bar a row."""
    height = 9.0
    parts: list[Html] = []
    for place, counts in enumerate(rows):
        x, whole = 2.0, sum(counts)
        for number, rows_ in enumerate(counts):
            width = (DOTS_WIDTH - 4) * rows_ / whole if whole else 0.0
            parts.append(
                rect(x, 3 + place * (height + 2), width, height, kind=f"class c{number % SHADES}")
            )
            x += width
    return drawing(DOTS_WIDTH, DOTS_HEIGHT, parts, title=title, kind="small")


def bars(rows: Sequence[tuple[str, float, str, str]], *, title: str) -> Html:
    """Return bars to the right.

    Args:
        rows: name, length, text beside the bar, class of the bar.
        title: what a screen reader says.
    """
    longest = max((row[1] for row in rows), default=0.0) or 1.0
    parts: list[Html] = []
    for place, (name, length, shown, kind) in enumerate(rows):
        y = BAR_ROW * place
        width = BAR_WIDTH * length / longest
        parts.append(text(BAR_LABEL - 12, y + 16, name, kind="row", anchor="end"))
        parts.append(rect(BAR_LABEL, y + 5, max(width, 1.0), BAR_ROW - 10, kind=f"bar {kind}"))
        parts.append(text(BAR_LABEL + max(width, 1.0) + 8, y + 16, shown, kind="tick"))
    width = BAR_LABEL + BAR_WIDTH + BAR_VALUE
    return drawing(width, BAR_ROW * len(rows), parts, title=title, kind="bars")
