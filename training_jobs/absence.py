"""Why something a data set cannot carry is left out, and what would bring it back."""

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class Off:
    """A task, group, side tensor or expert that is switched off.

    Attributes:
        reason: what the data lack.
        remedy: what to supply or change.
    """

    reason: str
    remedy: str


def lacking(tables: tuple[str, ...], present: Container[str]) -> Off | None:
    """Return what to say of canonical tables that are not all there, None if they are.

    Args:
        tables: canonical tables that are needed.
        present: container of those there are.
    """
    missing = [table for table in tables if table not in present]
    if not missing:
        return None
    listed = ", ".join(missing)
    return Off(
        f"the data set has no {listed}",
        f"supply the rows of {listed} and add tables.{missing[0]} to the data set's YAML",
    )
