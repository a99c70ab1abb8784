"""One column's values: train as bars, later splits as outlines over them."""

from collections.abc import Mapping, Sequence

from training_jobs.reporting.figures.svg import drawing, line, polyline, text
from training_jobs.reporting.markup import Html, el

WIDTH, HEIGHT = 172.0, 92.0
LEFT, RIGHT, TOP, BOTTOM = 4.0, 168.0, 20.0, 76.0
NAME_LETTERS = 28


def _steps(shares: Sequence[float], highest: float) -> list[tuple[float, float]]:
    """Return the corners of the outline of bars."""
    wide = (RIGHT - LEFT) / len(shares)
    corners = []
    for place, share in enumerate(shares):
        y = BOTTOM - (BOTTOM - TOP) * share / highest
        corners += [(LEFT + wide * place, y), (LEFT + wide * (place + 1), y)]
    return corners


def distribution(name: str, shares: Mapping[str, Sequence[float]], *, low: str, high: str) -> Html:
    """Return the panel of a column.

    Args:
        name: of the column, above the panel; a long one is cut.
        shares: series -> share of rows in each bin; the first is filled, all have equal bins.
        low, high: texts at the ends.
    """
    highest = max((share for series in shares.values() for share in series), default=0.0) or 1.0
    parts: list[Html] = []
    for place, (kind, series) in enumerate(shares.items()):
        corners = _steps(series, highest)
        if place == 0:
            path = "".join(f"L{x:.1f} {y:.1f}" for x, y in corners)
            parts.append(el("path", d=f"M{LEFT} {BOTTOM}{path}L{RIGHT} {BOTTOM}Z", class_="mass"))
        else:
            parts.append(polyline(corners, kind=f"outline {kind}"))
    cut = name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}…"
    parts += [
        line(LEFT, BOTTOM, RIGHT, BOTTOM, kind="axis"),
        text(LEFT, 13, cut, kind="panel"),
        text(LEFT, BOTTOM + 13, low, kind="tick"),
        text(RIGHT, BOTTOM + 13, high, kind="tick", anchor="end"),
    ]
    return drawing(WIDTH, HEIGHT, parts, title=f"values of {name}", kind="small")


def gaps(shares: Mapping[str, Sequence[float]], *, title: str) -> Html:
    """Return the share of missing values, one line a split, columns from left to right.

    Args:
        shares: split -> share of each column, 0 to 1.
        title: what a screen reader says.
    """
    wide, high, left, top = 560.0, 96.0, 36.0, 8.0
    parts: list[Html] = []
    for share, shown in ((0.0, "0%"), (0.5, "50%"), (1.0, "100%")):
        y = top + (high - 2 * top) * (1 - share)
        parts.append(line(left, y, wide - 4, y, kind="axis" if share == 0 else "rule"))
        parts.append(text(left - 5, y + 3.5, shown, kind="tick", anchor="end"))
    for kind, series in shares.items():
        step = (wide - 4 - left) / len(series)
        corners = []
        for place, share in enumerate(series):
            y = top + (high - 2 * top) * (1 - share)
            corners += [(left + step * place, y), (left + step * (place + 1), y)]
        parts.append(polyline(corners, kind=f"outline {kind}"))
    return drawing(wide, high, parts, title=title, kind="small")
