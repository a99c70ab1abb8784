"""Products and who may be shown them: ownership, eligibility, suitability."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lambdas.decision.policy import RankingPolicy


@dataclass(frozen=True)
class Eligibility:
    """Conditions of a product; None asks for nothing.

    Ages in whole years at the day of the answer, income in the record's own unit.
    """

    minimum_age: int | None = None
    maximum_age: int | None = None
    segments: frozenset[str] | None = None
    minimum_income: float | None = None

    @property
    def unconditional(self) -> bool:
        """Whether anyone may hold the product."""
        return self == Eligibility()


@dataclass(frozen=True)
class Product:
    """A product of the catalogue. `risk_grade` 1 is the safest; None: no investment risk."""

    id: str
    group: str
    names: Mapping[str, str]
    risk_grade: int | None = None
    eligibility: Eligibility = field(default_factory=Eligibility)


@dataclass(frozen=True)
class Person:
    """What suitability rules read about a customer; None where it is not recorded."""

    age: int | None = None
    segment: str | None = None
    income: float | None = None
    risk_grade: int | None = None
    owned: frozenset[str] = frozenset()


UNKNOWN_PERSON = Person()


def parse_product(raw: Mapping[str, Any]) -> Product:
    """Return a product of `catalogue.json`. Raises KeyError or TypeError when it is not one."""
    conditions = raw.get("eligibility") or {}
    segments = conditions.get("segments")
    grade = raw.get("risk_grade")
    return Product(
        id=str(raw["product"]),
        group=str(raw["group"]),
        names={str(key): str(value) for key, value in raw["names"].items()},
        risk_grade=None if grade is None else int(grade),
        eligibility=Eligibility(
            minimum_age=conditions.get("min_age"),
            maximum_age=conditions.get("max_age"),
            segments=frozenset(segments) if segments else None,
            minimum_income=conditions.get("min_income"),
        ),
    )


def age_at(attributes: Mapping[str, Any], as_of: str, today: date) -> int | None:
    """Return the age on `today`: the recorded age, older by the full years since `as_of`."""
    age = attributes.get("age")
    if age is None:
        return None
    recorded = date.fromisoformat(as_of)
    passed = (
        today.year - recorded.year - ((today.month, today.day) < (recorded.month, recorded.day))
    )
    return int(age) + max(passed, 0)


def refusal(product: Product, person: Person, policy: RankingPolicy) -> str | None:
    """Return why a product may not be shown to a person, None when it may.

    A condition about something that is not recorded is not met: it fails closed.
    """
    if product.id in person.owned:
        return "owned"
    rules = product.eligibility
    if rules.minimum_age is not None and (person.age is None or person.age < rules.minimum_age):
        return "age"
    if rules.maximum_age is not None and (person.age is None or person.age > rules.maximum_age):
        return "age"
    if rules.segments is not None and person.segment not in rules.segments:
        return "segment"
    if rules.minimum_income is not None and (
        person.income is None or person.income < rules.minimum_income
    ):
        return "income"
    if product.risk_grade is not None:
        bound = person.risk_grade
        if bound is None:
            bound = policy["risk_grade_unknown_customer"]
        if product.risk_grade > bound:
            return "risk"
    return None
