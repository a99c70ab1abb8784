"""The fact sheet: the closed list of what any writer may say about a customer and a product."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from configs.contracts.artefacts import digest
from lambdas.decision.numbers import FLAG, shows_value
from lambdas.decision.policy import ReasonPolicy

UP, DOWN, NONE = "up", "down", "none"


class GlossaryEntry(TypedDict):
    """How a column is called and shown. `up` and `down` are adjective phrases by language."""

    ko: str
    en: str
    unit: str
    period: dict[str, str] | None
    protected: bool
    up: dict[str, str] | None
    down: dict[str, str] | None


@dataclass(frozen=True)
class Fact:
    """One thing that is true of the customer and speaks for the product.

    Attributes:
        id: `f1`, `f2`, ... within the sheet.
        value: raw value in `unit` (share as 0..1, money in minor units).
        direction: `up` or `down` against the reference (train median), `none` when close to it
            or when the unit has no order.
        contribution: what the column added to the task's raw score, > 0.
        source: where the value comes from: column, as_of, task, model version.
    """

    id: str
    value: float
    unit: str
    direction: str
    contribution: float
    labels: Mapping[str, str]
    periods: Mapping[str, str]
    directions: Mapping[str, str]
    source: Mapping[str, str]

    @property
    def form(self) -> str:
        """The form of sentence that can tell this fact."""
        if self.unit == FLAG:
            return "held" if self.value >= 0.5 else "not_held"
        if not shows_value(self.unit):
            return "worded"
        return "plain" if self.direction == NONE else "directed"

    def as_json(self) -> dict[str, Any]:
        """Return the fact as it stands in answers and hashes."""
        return {
            "id": self.id,
            "value": self.value,
            "unit": self.unit,
            "direction": self.direction,
            "label": dict(self.labels),
            "period": dict(self.periods),
            "direction_word": dict(self.directions),
            "source": dict(self.source),
        }


@dataclass(frozen=True)
class FactSheet:
    """The facts of one customer and product, strongest first."""

    product: str
    names: Mapping[str, str]
    facts: tuple[Fact, ...]

    @property
    def hash(self) -> str:
        """SHA-256 over the content; part of the cache key of every text written from it."""
        return digest(
            {
                "product": self.product,
                "names": dict(self.names),
                "facts": [fact.as_json() for fact in self.facts],
            }
        )

    def fact(self, identifier: str) -> Fact | None:
        """Return the fact with this id, or None."""
        return next((fact for fact in self.facts if fact.id == identifier), None)

    def as_json(self) -> dict[str, Any]:
        """Return the sheet as queued for a rewrite."""
        return {
            "product": self.product,
            "names": dict(self.names),
            "facts": [fact.as_json() | {"contribution": fact.contribution} for fact in self.facts],
        }


def parse_sheet(raw: Mapping[str, Any]) -> FactSheet:
    """Return the sheet of a queued message. Raises KeyError or TypeError when it is not one."""
    facts = tuple(
        Fact(
            id=str(row["id"]),
            value=float(row["value"]),
            unit=str(row["unit"]),
            direction=str(row["direction"]),
            contribution=float(row["contribution"]),
            labels=dict(row["label"]),
            periods=dict(row["period"]),
            directions=dict(row["direction_word"]),
            source=dict(row["source"]),
        )
        for row in raw["facts"]
    )
    return FactSheet(str(raw["product"]), dict(raw["names"]), facts)


def direction_of(value: float, reference: float | None, *, tolerance: float) -> str:
    """Return whether `value` stands above or below the reference, or too close to say."""
    if reference is None or not math.isfinite(reference):
        return NONE
    margin = tolerance * max(abs(reference), abs(value))
    if value > reference + margin:
        return UP
    return DOWN if value < reference - margin else NONE


@dataclass(frozen=True)
class Evidence:
    """What a product's score rests on: a task, its weight in the product's score, and the
    task's attributions (column, signed contribution) of this customer."""

    task: str
    weight: float
    attributions: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Vocabulary:
    """How columns may be told: glossary, references (train medians), and forbidden labels."""

    glossary: Mapping[str, GlossaryEntry]
    references: Mapping[str, float]
    protected: tuple[re.Pattern[str], ...]

    def tellable(self, column: str) -> GlossaryEntry | None:
        """Return the entry of a column that may be shown to a customer, or None."""
        entry = self.glossary.get(column)
        if entry is None or entry["protected"]:
            return None
        labels = f"{entry['ko']} {entry['en']}"
        if any(pattern.search(labels) for pattern in self.protected):
            return None
        return entry


def _fact(
    column: str,
    *,
    entry: GlossaryEntry,
    value: float,
    contribution: float,
    vocabulary: Vocabulary,
    tolerance: float,
    source: Mapping[str, str],
) -> Fact | None:
    unit = entry["unit"]
    ordered = unit not in (FLAG, "none", "category")
    direction = (
        direction_of(value, vocabulary.references.get(column), tolerance=tolerance)
        if ordered
        else NONE
    )
    words = entry["up"] if direction == UP else entry["down"] if direction == DOWN else None
    if direction != NONE and not words:
        direction = NONE
    if unit != FLAG and not shows_value(unit) and direction == NONE:
        return None
    return Fact(
        id="",
        value=value,
        unit=unit,
        direction=direction,
        contribution=contribution,
        labels={"ko": entry["ko"], "en": entry["en"]},
        periods=entry["period"] or {"ko": "", "en": ""},
        directions=words or {"ko": "", "en": ""},
        source={"column": column} | dict(source),
    )


def build_sheet(
    product: str,
    *,
    names: Mapping[str, str],
    evidence: Sequence[Evidence],
    values: Mapping[str, float],
    vocabulary: Vocabulary,
    policy: ReasonPolicy,
    origin: Mapping[str, str],
) -> FactSheet:
    """Collect what speaks for a product: positive attributions of tellable columns.

    A column's strength is its part of its task's attributions times the task's weight in the
    product's score. A column is told once; protected columns, columns without a label, and
    columns without a recorded value are left out.

    Args:
        values: column -> raw value, as recorded with the customer.
        origin: `as_of` and `model_version`, copied into every fact's source.
    """
    candidates: dict[str, tuple[float, Fact]] = {}
    for part in evidence:
        total = sum(abs(amount) for _, amount in part.attributions) or 1.0
        taken = 0
        for column, amount in sorted(part.attributions, key=lambda row: (-row[1], row[0])):
            entry = vocabulary.tellable(column)
            value = values.get(column)
            if amount <= 0 or entry is None or value is None or not math.isfinite(value):
                continue
            if taken == policy["facts_per_task"]:
                break
            fact = _fact(
                column,
                entry=entry,
                value=float(value),
                contribution=amount,
                vocabulary=vocabulary,
                tolerance=policy["direction_tolerance"],
                source={"task": part.task} | dict(origin),
            )
            if fact is None:
                continue
            taken += 1
            strength = part.weight * amount / total
            if column not in candidates or candidates[column][0] < strength:
                candidates[column] = (strength, fact)
    ranked = sorted(candidates.items(), key=lambda item: (-item[1][0], item[0]))
    facts = tuple(
        Fact(**{**vars(fact), "id": f"f{position}"})
        for position, (_, (_, fact)) in enumerate(ranked[: policy["facts_per_sheet"]], start=1)
    )
    return FactSheet(product, dict(names), facts)
