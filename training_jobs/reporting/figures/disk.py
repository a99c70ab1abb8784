"""The Poincare disk: points, and edges along the straight lines of that geometry."""

from collections.abc import Sequence
from dataclasses import dataclass

from training_jobs.reporting.figures.svg import drawing
from training_jobs.reporting.markup import Html, el

SIZE = 620.0
RADIUS, MIDDLE = 296.0, 310.0
FLAT = 1e-4
"""Determinant below which a line passes the centre so closely that it is drawn straight."""
HUES = 14
"""Branches beyond it share a hue with an earlier one; the root has none."""


@dataclass(frozen=True)
class Dot:
    """A node: where, how large (radius in pixels), which hue, and what it says when pointed at."""

    point: complex
    size: float
    hue: int | None
    title: str


def _at(point: complex) -> tuple[float, float]:
    return MIDDLE + RADIUS * point.real, MIDDLE - RADIUS * point.imag


def hue_class(hue: int | None) -> str:
    """Return the class that colours a branch, and the root."""
    return "root" if hue is None else f"h{hue % HUES}"


def geodesic(first: complex, second: complex) -> str:
    """Return the path from one point to another: an arc that meets the rim at right angles."""
    (x1, y1), (x2, y2) = _at(first), _at(second)
    start = f"M{x1:.1f} {y1:.1f}"
    determinant = 2 * (first.real * second.imag - first.imag * second.real)
    if abs(determinant) < FLAT:
        return f"{start}L{x2:.1f} {y2:.1f}"
    # The centre c of the circle fulfils 2 p.c = |p|^2 + 1 at both points.
    one, two = abs(first) ** 2 + 1, abs(second) ** 2 + 1
    centre = complex(
        (one * second.imag - two * first.imag) / determinant,
        (two * first.real - one * second.real) / determinant,
    )
    radius = RADIUS * (abs(centre) ** 2 - 1) ** 0.5
    # Its circle's centre lies outside the disk: to the right of who walks left around the middle.
    sweep = int(determinant > 0)
    return f"{start}A{radius:.1f} {radius:.1f} 0 0 {sweep} {x2:.1f} {y2:.1f}"


def disk(
    dots: Sequence[Dot],
    edges: Sequence[tuple[int, int]],
    *,
    title: str,
) -> Html:
    """Return the disk with its rim, edges and dots.

    Args:
        dots: nodes.
        edges: pairs of places in `dots`; the colour is that of the second.
        title: what a screen reader says.
    """
    by_hue: dict[str, list[str]] = {}
    for first, second in edges:
        by_hue.setdefault(hue_class(dots[second].hue), []).append(
            geodesic(dots[first].point, dots[second].point)
        )
    parts: list[Html] = [el("circle", cx=MIDDLE, cy=MIDDLE, r=RADIUS, class_="rim")]
    parts += [
        el("path", d="".join(paths), class_=f"edge {hue}") for hue, paths in sorted(by_hue.items())
    ]
    for dot in dots:
        x, y = _at(dot.point)
        parts.append(
            el(
                "g",
                el("title", dot.title),
                el("circle", cx=round(x, 1), cy=round(y, 1), r=round(dot.size, 1)),
                class_=f"node {hue_class(dot.hue)}",
            )
        )
    return drawing(SIZE, SIZE, parts, title=title, kind="disk")
