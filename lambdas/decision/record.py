"""A customer's serving record: what was published about the customer for one model version."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambdas.decision.catalogue import Person, age_at


class BadRecord(ValueError):
    """A stored record has not the form of a serving record."""


@dataclass(frozen=True)
class CustomerRecord:
    """One customer for one model version.

    Attributes:
        features: float32, in the order of the model's decision inputs; NaN is missing.
        shares: task -> lens shares of the teacher's gates.
        attributions: `attribution_key` -> (column, signed contribution), strongest first.
        facts: column -> raw value, for fact sheets.
    """

    customer_id: str
    model_version: str
    as_of: str
    features: NDArray[np.float32]
    shares: Mapping[str, Sequence[float]]
    attributions: Mapping[str, Sequence[tuple[str, float]]]
    owned: frozenset[str]
    facts: Mapping[str, float]
    attributes: Mapping[str, Any]
    opted_out: bool

    def person(self, today: date) -> Person:
        """Return what suitability rules read about the customer on a day."""
        income = self.attributes.get("income")
        segment = self.attributes.get("segment")
        grade = self.attributes.get("risk_grade")
        return Person(
            age=age_at(self.attributes, self.as_of, today),
            segment=None if segment is None else str(segment),
            income=None if income is None else float(income),
            risk_grade=None if grade is None else int(grade),
            owned=self.owned,
        )


def parse_record(text: str, *, inputs: int, version: str) -> CustomerRecord:
    """Return the record in a JSON line.

    Args:
        inputs: number of decision inputs of the model.
        version: the model version the record must belong to.

    Raises:
        BadRecord: not JSON, a missing key, another number of features, or another version.
    """
    try:
        raw = json.loads(text)
        features = np.frombuffer(base64.b64decode(raw["features"], validate=True), dtype="<f4")
        record = CustomerRecord(
            customer_id=str(raw["customer_id"]),
            model_version=str(raw.get("model_version", version)),
            as_of=date.fromisoformat(str(raw["as_of"])).isoformat(),
            features=features.astype(np.float32, copy=False),
            shares={task: [float(item) for item in row] for task, row in raw["shares"].items()},
            attributions={
                task: [(str(column), float(amount)) for column, amount in rows]
                for task, rows in raw["attributions"].items()
            },
            owned=frozenset(str(item) for item in raw["owned"]),
            facts={
                str(column): float(value)
                for column, value in raw["facts"].items()
                if isinstance(value, int | float)
            },
            attributes=dict(raw["attributes"]),
            opted_out=bool(raw["consent"]["opt_out"]),
        )
        record.person(date.fromisoformat(record.as_of))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
        raise BadRecord(f"the serving record cannot be read: {type(error).__name__}") from error
    if record.features.shape != (inputs,):
        raise BadRecord(f"the record holds {record.features.size} features, not {inputs}")
    if record.model_version != version:
        raise BadRecord("the record belongs to another model version")
    return record
