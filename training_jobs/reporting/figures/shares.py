"""Shares of states over time: one bar a date, cut into the states."""

from collections.abc import Mapping, Sequence

from training_jobs.reporting.figures.svg import drawing, rect, text
from training_jobs.reporting.markup import Html

LABEL, BAR, ROW = 96.0, 440.0, 24.0
PRINTED_FROM = 0.08
"""Shares from here on have room for a number."""


def stacked(rows: Mapping[str, Sequence[float]], *, title: str) -> Html:
    """Return one bar a row.

    Args:
        rows: name -> shares of the states, adding up to 1.
        title: what a screen reader says.
    """
    parts: list[Html] = []
    for place, (name, shares) in enumerate(rows.items()):
        y, x = ROW * place, LABEL
        parts.append(text(LABEL - 10, y + 16, name, kind="row", anchor="end"))
        for state, share in enumerate(shares):
            wide = BAR * share
            parts.append(rect(x, y + 3, wide, ROW - 6, kind=f"state q{state}"))
            if share >= PRINTED_FROM:
                parts.append(
                    text(x + wide / 2, y + 16, f"{share:.0%}", kind=f"on-q{state}", anchor="middle")
                )
            x += wide
    return drawing(LABEL + BAR + 4, ROW * len(rows), parts, title=title, kind="bars")
