"""A published model package as the decision path sees it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lambdas.decision.catalogue import Product, parse_product
from lambdas.decision.facts import GlossaryEntry, Vocabulary
from lambdas.decision.numbers import Currency
from lambdas.decision.ranking import MULTICLASS, Score, TaskRule

EVERYBODY = "*"
"""The popularity list of all customers."""
RULES = "rules"


class BadPackage(ValueError):
    """A file of the package is missing, altered, or not what it should be."""


@dataclass(frozen=True)
class Lens:
    """A lens: an expert of the teacher, or the private experts as one."""

    name: str
    labels: Mapping[str, str]


class Students(Protocol):
    """Calibrated scores of all students for one customer."""

    def scores(self, features: NDArray[np.float32]) -> dict[str, Score]:
        """Return task -> probability, class probabilities, or value."""
        ...


@dataclass(frozen=True)
class ServingModel:
    """One published version.

    Attributes:
        inputs: decision inputs, in the order of a record's features.
        popularity: segment (or `*`) -> product -> share.
        students: None when their files could not be used; the rule layer then answers.
    """

    version: str
    inputs: tuple[str, ...]
    products: tuple[Product, ...]
    tasks: tuple[TaskRule, ...]
    lenses: tuple[Lens, ...]
    popularity: Mapping[str, Mapping[str, float]]
    vocabulary: Vocabulary
    currency: Currency
    students: Students | None

    def shares_of(self, segment: str | None) -> Mapping[str, float]:
        """Return the popularity list of a segment, or everybody's."""
        return self.popularity.get(segment or EVERYBODY) or self.popularity[EVERYBODY]

    def other_names(self, product: str, language: str) -> frozenset[str]:
        """Return the names of all products but one."""
        return frozenset(row.names[language] for row in self.products if row.id != product)


def _score(value: Any) -> Score:
    if isinstance(value, list):
        return tuple(float(item) for item in value)
    return 0.0 if value is None else float(value)


def _task(raw: Mapping[str, Any]) -> TaskRule:
    rule = TaskRule(
        name=str(raw["name"]),
        type=str(raw["type"]),
        layer=str(raw["layer"]),
        ranking_weight=float(raw["ranking_weight"]),
        classes=tuple(str(label) for label in raw.get("classes") or ()),
        product_group=raw.get("product_group"),
        baseline=_score(raw.get("baseline")),
        scale=raw.get("scale"),
    )
    if rule.type == MULTICLASS and not rule.classes:
        raise BadPackage(f"multiclass task '{rule.name}' has no classes")
    return rule


def parse_model(
    *,
    version: str,
    schema: bytes,
    catalogue: bytes,
    serving: bytes,
    students: Students | None,
    protected: Sequence[re.Pattern[str]],
) -> ServingModel:
    """Return the model in a package's `feature_schema.json`, `catalogue.json`, `serving.json`.

    Raises:
        BadPackage: one of them is not JSON, or lacks something that the decision path needs.
    """
    try:
        settings = json.loads(serving)
        model = ServingModel(
            version=version,
            inputs=tuple(json.loads(schema)["decision_inputs"]),
            products=tuple(parse_product(row) for row in json.loads(catalogue)["products"]),
            tasks=tuple(_task(row) for row in settings["tasks"]),
            lenses=tuple(
                Lens(str(row["name"]), {"ko": str(row["ko"]), "en": str(row["en"])})
                for row in settings["lenses"]
            ),
            popularity={
                str(segment): {str(product): float(share) for product, share in shares.items()}
                for segment, shares in settings["popularity"].items()
            },
            vocabulary=Vocabulary(
                glossary={
                    column: GlossaryEntry(
                        ko=str(row["ko"]),
                        en=str(row["en"]),
                        unit=str(row["unit"]),
                        period=row.get("period"),
                        protected=bool(row["protected"]),
                        up=row.get("up"),
                        down=row.get("down"),
                    )
                    for column, row in settings["glossary"].items()
                },
                references={
                    column: float(value)
                    for column, value in settings["references"].items()
                    if value is not None
                },
                protected=tuple(protected),
            ),
            currency=Currency(
                code=str(settings["currency"]["code"]),
                minor_digits=int(settings["currency"]["minor_digits"]),
            ),
            students=students,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BadPackage):
            raise
        raise BadPackage(
            f"model package {version} cannot be read: {type(error).__name__}: {error}"
        ) from error
    if not model.products or EVERYBODY not in model.popularity:
        raise BadPackage(f"model package {version} has no products or no popularity list '*'")
    return model
