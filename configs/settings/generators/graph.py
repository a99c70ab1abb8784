"""Parameters of what customers share: items, neighbours, close circles."""

from typing import Literal

from pydantic import Field, model_validator

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters


class ItemEmbeddingParameters(Strict):
    """How items are laid out by the customers they share.

    Attributes:
        width: directions of an embedding.
        layers: layers of propagation that are averaged, beside the items themselves.
        rounds: rounds of subspace iteration.
        seed: of the starting directions.
    """

    width: int = Field(gt=0)
    layers: int = Field(ge=0)
    rounds: int = Field(gt=0)
    seed: int = Field(ge=0)


class CircleParameters(Strict):
    """Customers with some favourites in common.

    Attributes:
        favourites: most visited items of a customer.
        together: how many of them make a circle. The larger the bank, the more it takes to tell a
            neighbour from a stranger.
        bits: binary logarithm of the number of circles; the memory of one `as_of` is
            8 bytes x 2^bits x (2 + product groups).
        months: newest months whose uptake counts by product group.
        prior: customers of the usual uptake that every circle is thought to hold beside its own.
    """

    favourites: int = Field(gt=1, le=16)
    together: int = Field(gt=1, le=4)
    bits: int = Field(ge=4, le=26)
    months: int = Field(gt=0)
    prior: int = Field(gt=0)

    @model_validator(mode="after")
    def _enough(self) -> "CircleParameters":
        if self.together > self.favourites:
            raise ValueError("together must not exceed favourites")
        return self


@parameters("graph_collaborative")
class GraphCollaborativeParameters(Strict):
    """What the customers hold and take up who use the same merchants.

    Attributes:
        without_merchants: items that take the place of merchants where a bank records none.
        max_items: longest vocabulary.
        min_customers: fit customers an item needs to be in the vocabulary.
        recent_months: newest months whose uptake counts by product.
        embedding: of the items.
        circles: of customers.
    """

    without_merchants: Literal["category"] | None
    max_items: int = Field(gt=0)
    min_customers: int = Field(gt=0)
    recent_months: int = Field(gt=0)
    embedding: ItemEmbeddingParameters
    circles: CircleParameters
