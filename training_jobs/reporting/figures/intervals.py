"""Dots with intervals, side by side: the same rows in one panel a metric."""

from dataclasses import dataclass

from training_jobs.reporting.figures.scale import Scale, around, labels
from training_jobs.reporting.figures.svg import drawing, line, mark, text
from training_jobs.reporting.markup import Html

WIDTH = 1040.0
LABEL = 176.0
GAP = 22.0
ROW = 21.0
HEAD, FOOT = 40.0, 26.0
NARROWEST, WIDEST = 110.0, 260.0
TICKS = 3


@dataclass(frozen=True)
class Dot:
    """One value.

    Attributes:
        series: which colour and mark.
        value, low, high: the value and its interval; None where undefined.
    """

    series: int
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def extent(self) -> list[float]:
        """The numbers that must be inside the panel."""
        return [v for v in (self.value, self.low, self.high) if v is not None]


@dataclass(frozen=True)
class Panel:
    """One metric.

    Attributes:
        title: above the panel.
        note: below the title, e.g. which way is better.
        reference: where a line is drawn.
        rows: for every row its dots, one below the other.
    """

    title: str
    note: str
    reference: float | None
    rows: tuple[tuple[Dot, ...], ...]


def _dot(dot: Dot, scale: Scale, y: float) -> list[Html]:
    if dot.value is None:
        middle = (scale.start + scale.end) / 2
        return [text(middle, y + 4, "not measured", kind="none", anchor="middle")]
    parts = []
    if dot.low is not None and dot.high is not None:
        ends = scale.at(dot.low), scale.at(dot.high)
        parts.append(line(ends[0], y, ends[1], y, kind=f"interval s{dot.series}"))
    return [*parts, mark(dot.series, scale.at(dot.value), y)]


def _panel(panel: Panel, left: float, width: float, height: float) -> list[Html]:
    seen = [v for row in panel.rows for dot in row for v in dot.extent]
    if panel.reference is not None:
        seen.append(panel.reference)
    scale = around(seen, start=left, end=left + width)
    bottom = height - FOOT
    parts: list[Html] = [
        text(left, 14, panel.title, kind="panel"),
        text(left, 28, panel.note, kind="note"),
        line(left, bottom, left + width, bottom, kind="axis"),
    ]
    ticks = scale.ticks(TICKS)
    for value, shown in zip(ticks, labels(ticks), strict=True):
        x = scale.at(value)
        parts.append(line(x, HEAD - 4, x, bottom, kind="grid"))
        parts.append(text(x, bottom + 14, shown, kind="tick", anchor="middle"))
    if panel.reference is not None:
        x = scale.at(panel.reference)
        parts.append(line(x, HEAD - 4, x, bottom, kind="reference"))
    for place, row in enumerate(panel.rows):
        step = ROW / (len(row) + 1)
        for number, dot in enumerate(row, 1):
            y = HEAD + ROW * place + step * number
            parts += _dot(dot, scale, y)
    return parts


def interval_panels(names: list[str], panels: list[Panel], *, title: str) -> Html:
    """Return panels beside each other over common rows.

    Args:
        names: of the rows.
        panels: at least one.
        title: what a screen reader says.
    """
    width = (WIDTH - LABEL - GAP * len(panels)) / len(panels)
    width = min(WIDEST, max(NARROWEST, width))
    height = HEAD + ROW * len(names) + FOOT
    parts: list[Html] = []
    for place, name in enumerate(names):
        y = HEAD + ROW * place + ROW / 2
        parts.append(text(LABEL - 12, y + 4, name, kind="row", anchor="end"))
    for place, panel in enumerate(panels):
        parts += _panel(panel, LABEL + place * (width + GAP), width, height)
    whole = LABEL + len(panels) * (width + GAP)
    return drawing(whole, height, parts, title=title, kind="intervals")
