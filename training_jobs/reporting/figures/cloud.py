"""Points in the plane, coloured by class; the axes of such a view have no unit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training_jobs.reporting.figures.diagram import scatter_path
from training_jobs.reporting.figures.scale import around
from training_jobs.reporting.figures.svg import drawing, rect, text
from training_jobs.reporting.markup import Html, el

SIZE = 300.0
EDGE, TOP = 8.0, 24.0


def cloud(points: NDArray[np.float64], classes: Sequence[int], *, name: str, title: str) -> Html:
    """Return the view.

    Args:
        points: [rows, 2].
        classes: [rows] number of the colour, rarer classes on top.
        name: above the view.
        title: what a screen reader says.
    """
    across = around(points[:, 0], start=EDGE, end=SIZE - EDGE)
    up = around(points[:, 1], start=SIZE - EDGE, end=TOP + EDGE)
    given = np.asarray(classes)
    numbers, sizes = np.unique(given, return_counts=True)
    parts: list[Html] = [
        rect(0.5, TOP, SIZE - 1, SIZE - TOP - 1, kind="frame"),
        text(0, 14, name, kind="panel"),
    ]
    for number in numbers[np.argsort(-sizes, kind="stable")]:
        own = points[given == number]
        at = [(across.at(float(x)), up.at(float(y))) for x, y in own]
        parts.append(el("path", d=scatter_path(at), class_=f"dots k{int(number)}"))
    return drawing(SIZE, SIZE, parts, title=title, kind="small")
