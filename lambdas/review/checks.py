"""Results of deterministic checks. Missing data is UNKNOWN, never PASS."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """What a check found."""

    PASS = "PASS"  # noqa: S105 - a status, not a secret
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Result:
    """One check: what was measured and what is expected, as a person reads them."""

    id: str
    title: str
    status: Status
    value: str
    bound: str

    def as_json(self) -> dict[str, Any]:
        """Return the result as written into reviews."""
        return asdict(self) | {"status": self.status.value}


def parse_result(raw: Mapping[str, Any]) -> Result:
    """Return a written result. Raises KeyError or ValueError when it is not one."""
    return Result(
        id=str(raw["id"]),
        title=str(raw["title"]),
        status=Status(raw["status"]),
        value=str(raw["value"]),
        bound=str(raw["bound"]),
    )


def _shown(value: float) -> str:
    return f"{value:.4g}"


@dataclass(frozen=True)
class Bound:
    """An expectation: at most `maximum`, at least `minimum`; `unit` is written after numbers."""

    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Tell whether a value is within the bounds; a value that is no number is not."""
        above = self.minimum is None or value >= self.minimum
        below = self.maximum is None or value <= self.maximum
        return above and below and value == value

    def __str__(self) -> str:
        """Return the bounds as a person reads them."""
        parts = []
        if self.minimum is not None:
            parts.append(f"at least {_shown(self.minimum)}")
        if self.maximum is not None:
            parts.append(f"at most {_shown(self.maximum)}")
        return " and ".join(parts) + (f" {self.unit}" if self.unit else "")


def measured(identifier: str, title: str, value: float | None, bound: Bound) -> Result:
    """Return the result of comparing a value, None where it could not be measured."""
    if value is None:
        return Result(identifier, title, Status.UNKNOWN, "not measured", str(bound))
    status = Status.PASS if bound.holds(value) else Status.FAIL
    text = _shown(value) + (f" {bound.unit}" if bound.unit else "")
    return Result(identifier, title, status, text, str(bound))


def share(part: float | None, whole: float | None) -> float | None:
    """Return part / whole, None when either is missing or the whole is nothing."""
    if part is None or not whole:
        return None
    return part / whole


def counts(results: list[Result]) -> dict[str, int]:
    """Return how many checks found what."""
    return {status.value: sum(row.status is status for row in results) for status in Status}
