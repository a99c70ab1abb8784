"""Parameters of the generators that count and sum: nothing is estimated."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters

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


@parameters("txn_lag_tensor")
class LagTensorParameters(Strict):
    """The last events as columns.

    Attributes:
        tensor: name of the side tensor the columns are a view of.
        fields: its fields, in order.
        events: number of events, newest first.
    """

    tensor: str
    fields: tuple[Literal["amount", "category", "gap_days", "hour"], ...] = Field(min_length=1)
    events: int = Field(gt=0)
