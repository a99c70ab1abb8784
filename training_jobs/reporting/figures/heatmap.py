"""Shares as a grid of shaded cells, each with its numbers."""

from dataclasses import dataclass

from training_jobs.reporting.figures.svg import drawing, rect, text
from training_jobs.reporting.markup import Html

LABEL = 176.0
CELL_WIDTH, CELL_HEIGHT = 124.0, 38.0
HEAD = 26.0
DARK_FROM = 0.75
"""Shares from here on stand on a dark ground and are printed white."""
LIGHT, DARK = (245, 248, 252), (23, 78, 133)


@dataclass(frozen=True)
class Cell:
    """A share, and how far it spreads between customers (standard deviation)."""

    mean: float
    spread: float


def shade(mean: float) -> str:
    """Return the colour of a share from 0 to 1."""
    part = min(max(mean, 0.0), 1.0)
    mixed = (round(a + (b - a) * part) for a, b in zip(LIGHT, DARK, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def heatmap(rows: list[tuple[str, list[Cell]]], columns: list[str], *, title: str) -> Html:
    """Return rows x columns of cells.

    Args:
        rows: name and one cell a column.
        columns: titles.
        title: what a screen reader says.
    """
    parts = [
        text(LABEL + CELL_WIDTH * (at + 0.5), 16, name, kind="panel", anchor="middle")
        for at, name in enumerate(columns)
    ]
    for place, (name, cells) in enumerate(rows):
        y = HEAD + CELL_HEIGHT * place
        parts.append(text(LABEL - 12, y + CELL_HEIGHT / 2 + 4, name, kind="row", anchor="end"))
        for at, cell in enumerate(cells):
            x = LABEL + CELL_WIDTH * at
            ground = "on-dark" if cell.mean >= DARK_FROM else "on-light"
            middle = x + CELL_WIDTH / 2
            parts.append(
                rect(
                    x + 1,
                    y + 1,
                    CELL_WIDTH - 2,
                    CELL_HEIGHT - 2,
                    kind="cell",
                    fill=shade(cell.mean),
                )
            )
            parts.append(
                text(middle, y + 17, f"{cell.mean:.1%}", kind=f"share {ground}", anchor="middle")
            )
            parts.append(
                text(
                    middle, y + 30, f"± {cell.spread:.1%}", kind=f"spread {ground}", anchor="middle"
                )
            )
    width = LABEL + CELL_WIDTH * len(columns)
    return drawing(width, HEAD + CELL_HEIGHT * len(rows), parts, title=title, kind="heatmap")
