"""Array types and order-proof sums shared by the estimators."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CHUNK = 2048
"""Customers worked on at a time so that they stay in the cache; no value depends on it."""


def add_up(values: Array) -> Array:
    """Sum over the first axis, first to last.

    `numpy.sum` picks its order by the memory layout, hence by the number of customers.
    """
    total: Array = values[0].copy()
    for row in values[1:]:
        total += row
    return total


def chunks(count: int, size: int = CHUNK) -> Iterator[slice]:
    """Yield slices that cover 0..count-1."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the different keys, ascending; faster here than the hashing of `numpy.unique`."""
    ordered = np.sort(keys)
    fresh = np.ones(len(ordered), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def by_id(customers: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the places of customers in the order of their ids: the order in which fits sum."""
    return np.array(sorted(range(len(customers)), key=customers.__getitem__), np.int64)
