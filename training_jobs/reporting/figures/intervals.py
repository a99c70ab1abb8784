"""Dots with intervals, side by side: the same rows in one panel a metric."""

from dataclasses import dataclass

from training_jobs.reporting.figures.scale import Scale, around, labels
from training_jobs.reporting.figures.svg import drawing, line, mark, text
from training_jobs.reporting.markup import Html

LABEL = 152.0
PANEL, PER_LINE = 212.0, 4
GAP = 24.0
ROW = 21.0
HEAD, FOOT = 40.0, 22.0
TICKS = 4


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
        dots: one a row.
    """

    title: str
    note: str
    reference: float | None
    dots: tuple[Dot, ...]


def _dot(dot: Dot, scale: Scale, y: float) -> list[Html]:
    if dot.value is None:
        middle = (scale.start + scale.end) / 2
        return [text(middle, y + 4, "not measured", kind="none", anchor="middle")]
    parts = []
    if dot.low is not None and dot.high is not None:
        ends = scale.at(dot.low), scale.at(dot.high)
        parts.append(line(ends[0], y, ends[1], y, kind=f"interval s{dot.series}"))
    return [*parts, mark(dot.series, scale.at(dot.value), y)]


def _panel(panel: Panel, left: float, top: float, height: float) -> list[Html]:
    seen = [v for dot in panel.dots for v in dot.extent]
    if panel.reference is not None:
        seen.append(panel.reference)
    scale = around(seen, start=left, end=left + PANEL)
    bottom = top + height - FOOT
    parts: list[Html] = [
        text(left, top + 14, panel.title, kind="panel"),
        text(left, top + 28, panel.note, kind="note"),
        line(left, bottom, left + PANEL, bottom, kind="axis"),
    ]
    ticks = scale.ticks(TICKS)
    for value, shown in zip(ticks, labels(ticks), strict=True):
        x = scale.at(value)
        parts.append(line(x, top + HEAD - 4, x, bottom, kind="rule"))
        parts.append(text(x, bottom + 14, shown, kind="tick", anchor="middle"))
    if panel.reference is not None:
        x = scale.at(panel.reference)
        parts.append(line(x, top + HEAD - 4, x, bottom, kind="reference"))
    for place, dot in enumerate(panel.dots):
        parts += _dot(dot, scale, top + HEAD + ROW * (place + 0.5))
    return parts


def interval_panels(names: list[str], panels: list[Panel], *, title: str) -> Html:
    """Return panels beside and below each other, each over the same rows.

    Args:
        names: of the rows.
        panels: at least one.
        title: what a screen reader says.
    """
    height = HEAD + ROW * len(names) + FOOT
    parts: list[Html] = []
    for place, panel in enumerate(panels):
        line_, column = divmod(place, PER_LINE)
        top = line_ * (height + GAP)
        if column == 0:
            for row, name in enumerate(names):
                y = top + HEAD + ROW * (row + 0.5) + 4
                parts.append(text(LABEL - 12, y, name, kind="row", anchor="end"))
        parts += _panel(panel, LABEL + column * (PANEL + GAP), top, height)
    lines = (len(panels) - 1) // PER_LINE + 1
    width = LABEL + min(len(panels), PER_LINE) * (PANEL + GAP)
    whole = lines * (height + GAP) - GAP
    return drawing(width, whole, parts, title=title, kind="intervals")
