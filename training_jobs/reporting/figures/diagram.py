"""A persistence diagram: birth across, death upwards, life as the distance from the diagonal."""

from collections.abc import Sequence

from training_jobs.reporting.figures.scale import around, labels
from training_jobs.reporting.figures.svg import drawing, line, polyline, text
from training_jobs.reporting.markup import Html, el

SIZE = 252.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 24.0, 34.0
TICKS = 4

Points = Sequence[tuple[float, float]]


def scatter_path(points: Points) -> str:
    """Return one path that draws a dot at every point; its stroke has round ends."""
    return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)


def diagram(points: Points, *, dimension: int, name: str, title: str) -> Html:
    """Return the diagram.

    Args:
        points: (birth, death); a death may lie below its birth (superlevel sets).
        dimension: of the features, which colours them.
        name: above the diagram.
        title: what a screen reader says.
    """
    seen = [value for point in points for value in point]
    across = around(seen, start=LEFT, end=SIZE - RIGHT)
    up = around(seen, start=SIZE - BOTTOM, end=TOP)
    parts: list[Html] = [text(LEFT, 14, name, kind="panel")]
    ticks = across.ticks(TICKS)
    for value, shown in zip(ticks, labels(ticks), strict=True):
        x, y = across.at(value), up.at(value)
        parts.append(line(x, TOP, x, SIZE - BOTTOM, kind="rule"))
        parts.append(line(LEFT, y, SIZE - RIGHT, y, kind="rule"))
        parts.append(text(x, SIZE - BOTTOM + 13, shown, kind="tick", anchor="middle"))
        parts.append(text(LEFT - 5, y + 3.5, shown, kind="tick", anchor="end"))
    ends = (across.low, across.high)
    parts.append(polyline([(across.at(v), up.at(v)) for v in ends], kind="reference"))
    parts.append(text((LEFT + SIZE - RIGHT) / 2, SIZE - 5, "birth", kind="note", anchor="middle"))
    parts.append(
        el(
            "text",
            "death",
            x=float(-(TOP + SIZE - BOTTOM) / 2),
            y=10.0,
            class_="note",
            text_anchor="middle",
            transform="rotate(-90)",
        )
    )
    at = [(across.at(birth), up.at(death)) for birth, death in points]
    parts.append(el("path", d=scatter_path(at), class_=f"dots dim{dimension}"))
    return drawing(SIZE, SIZE, parts, title=title, kind="small")
