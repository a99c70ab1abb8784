"""Parameters of the side tensors."""

from typing import Literal

from pydantic import Field

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters


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


@parameters("spending_histograms")
class SpendingHistogramParameters(Strict):
    """Histograms of category by amount.

    Attributes:
        categories: most categories with cells of their own; the rest share theirs.
        min_customers: fit customers such a category needs.
        amount_levels: levels of amount within a category.
        recent_months: newest calendar months; those before are the customer's own past.
    """

    categories: int = Field(gt=0)
    min_customers: int = Field(gt=0)
    amount_levels: int = Field(gt=1)
    recent_months: int = Field(gt=0)
