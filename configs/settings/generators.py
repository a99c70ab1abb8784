"""Parameters of the feature generators and side tensors, each a typed model under its own name.

A later generator brings its model and registers it here under the name used in
`feature_groups.yaml`; nothing that loads settings has to change for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from configs.errors import SettingsError
from configs.settings.base import Strict

_MODELS: dict[str, type[Strict]] = {}
Parameters = TypeVar("Parameters", bound=Strict)


def parameters(name: str) -> Callable[[type[Parameters]], type[Parameters]]:
    """Register the decorated model as the parameters of generator `name`.

    Raises:
        SettingsError: the name is taken.
    """

    def add(model: type[Parameters]) -> type[Parameters]:
        if name in _MODELS:
            raise SettingsError(
                f"generator '{name}' has parameters already", remedy="choose another name"
            )
        _MODELS[name] = model
        return model

    return add


def forget(name: str) -> None:
    """Remove a registered model: for tests that plug one in."""
    _MODELS.pop(name, None)


def known() -> tuple[str, ...]:
    """Return the names of all generators that have parameters, sorted."""
    return tuple(sorted(_MODELS))


def parse(name: str, raw: Any) -> Strict:
    """Return `raw` as the parameters of generator `name`.

    Raises:
        ValueError: the generator is unknown, or a key or value is wrong; the text names both and
            what is allowed.
    """
    model = _MODELS.get(name)
    if model is None:
        raise ValueError(f"generator '{name}' is unknown (allowed: {', '.join(known())})")
    if isinstance(raw, model):
        return raw
    if not isinstance(raw, Mapping):
        raise ValueError("parameters must be a mapping")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        allowed = ", ".join(sorted(model.model_fields)) or "none"
        lines = [
            f"parameters.{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ValueError(f"{'; '.join(lines)} (keys allowed: {allowed})") from error


Direction = Literal["debit", "credit"]


@parameters("demographics")
class DemographicsParameters(Strict):
    """Who the customer is at `as_of`.

    Attributes:
        numeric: numeric columns, in order.
        encoded: categorical columns, in order; code 0 = missing, the last = other.
        max_categories: longest vocabulary of one encoded column.
        income_bands: equal-mass bands of `income_band`.
    """

    numeric: tuple[
        Literal["age", "tenure_months", "income", "income_change", "segment_months"], ...
    ]
    encoded: tuple[Literal["gender", "segment", "channel", "region", "active", "income_band"], ...]
    max_categories: int = Field(gt=0)
    income_bands: int = Field(gt=1)

    @model_validator(mode="after")
    def _unique(self) -> "DemographicsParameters":
        names = (*self.numeric, *self.encoded)
        if len(set(names)) != len(names):
            raise ValueError("a column stands twice")
        return self


@parameters("product_holdings")
class ProductHoldingsParameters(Strict):
    """Held at `as_of`, one column a product of the catalogue."""


@parameters("acquisition_history")
class AcquisitionHistoryParameters(Strict):
    """Acquired inside the look-back, one column a product of the catalogue."""


@parameters("derived_temporal")
class DerivedTemporalParameters(Strict):
    """Acquisitions, closures, months observed and diversity of the holdings."""


@parameters("txn_behavior")
class TxnBehaviorParameters(Strict):
    """How the customer transacts over the look-back.

    Attributes:
        night: first hour and hour after the last of the night; may pass midnight.
        morning: the same of the morning.
        afternoon: the same of the afternoon.
    """

    night: tuple[int, int]
    morning: tuple[int, int]
    afternoon: tuple[int, int]

    @field_validator("night", "morning", "afternoon")
    @classmethod
    def _hours(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not all(0 <= hour <= 24 for hour in value) or value[0] == value[1]:
            raise ValueError("two different hours between 0 and 24")
        return value


@parameters("txn_rolling_stats")
class RollingStatsParameters(Strict):
    """Statistics of amounts over windows that end with `as_of`.

    Attributes:
        days: window lengths in days, ascending.
        direction: the transactions whose amounts are summed.
    """

    days: tuple[int, ...] = Field(min_length=1)
    direction: Direction

    @field_validator("days")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if value[0] < 1 or list(value) != sorted(set(value)):
            raise ValueError("positive and ascending")
        return value


@parameters("mcc_multihot")
class MccMultihotParameters(Strict):
    """Which of the most common categories the customer used.

    Attributes:
        top: number of categories that have a column of their own; the rest share one.
    """

    top: int = Field(gt=0, le=60)


@parameters("event_tensor")
class EventTensorParameters(Strict):
    """The last events, newest first.

    Attributes:
        length: most events of one customer.
        categories: longest category vocabulary.
        min_customers: fit customers a category needs to be in the vocabulary.
    """

    length: int = Field(gt=0)
    categories: int = Field(gt=0, le=30_000)
    min_customers: int = Field(gt=0)


@parameters("incidence")
class IncidenceParameters(Strict):
    """Which items a customer touches.

    Attributes:
        kinds: item kinds, in the order of the vocabulary.
        without_merchants: kind that takes the place of merchants where a bank has none.
        max_items: longest vocabulary of one fitted kind.
        min_customers: fit customers an item needs to be in the vocabulary.
    """

    kinds: tuple[Literal["product", "merchant", "category"], ...] = Field(min_length=1)
    without_merchants: Literal["category"] | None
    max_items: int = Field(gt=0)
    min_customers: int = Field(gt=0)
