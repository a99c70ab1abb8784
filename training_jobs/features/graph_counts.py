"""State of the customer-merchant-product graph at an `as_of`: integers, summed over customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """What the counts are counted by.

    Attributes:
        items: vocabulary of merchants.
        circles: number of circles.
        products: of the catalogue.
        groups: of products.
    """

    items: int
    circles: int
    products: int
    groups: int

    @property
    def item_width(self) -> int:
        """Columns by item: visitors, holders and recent takers of each product."""
        return 1 + 2 * self.products

    @property
    def circle_width(self) -> int:
        """Columns by circle: members, recent takers of anything, takers of each group."""
        return 2 + self.groups


@dataclass(frozen=True)
class Own:
    """What n customers bring into the counts.

    Attributes:
        visits: (n, items) consuming events.
        member: (n, circles) ones.
        at_items: (n, item_width) what the customer adds to each item visited.
        in_circles: (n, circle_width) what the customer adds to each circle.
    """

    visits: sparse.csr_array
    member: sparse.csr_array
    at_items: Ints
    in_circles: Ints


@dataclass(frozen=True)
class GraphCounts:
    """Sums over all customers.

    Attributes:
        overall: (circle_width,) over everyone, once each.
        by_item: (items, item_width).
        by_circle: (circles, circle_width).
    """

    overall: Ints
    by_item: Ints
    by_circle: Ints

    def flat(self) -> Ints:
        """Return all counts as one array, as they are summed over shards."""
        parts = [self.overall, self.by_item.ravel(), self.by_circle.ravel()]
        return np.concatenate(parts)


def counted(own: Own, present: sparse.csr_array) -> GraphCounts:
    """Return the counts of some customers.

    Args:
        own: what they bring.
        present: (n, items) ones where visited.
    """
    return GraphCounts(
        own.in_circles.sum(axis=0),
        present.T.tocsr() @ own.at_items,
        own.member.T.tocsr() @ own.in_circles,
    )


def unpacked(flat: Ints, sizes: Sizes) -> GraphCounts:
    """Return the counts that `GraphCounts.flat` made one array of."""
    first = sizes.circle_width
    second = first + sizes.items * sizes.item_width
    return GraphCounts(
        flat[:first],
        flat[first:second].reshape(sizes.items, sizes.item_width),
        flat[second:].reshape(sizes.circles, sizes.circle_width),
    )
