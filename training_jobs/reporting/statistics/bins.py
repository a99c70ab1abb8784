"""Values as bins: 0 = missing, then equal-mass bins of the train values, or the codes."""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
MISSING = 0


def inner_edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Return ascending edges between at most `bins` bins of equal mass; ties share a bin.

    Args:
        values: NaN = missing.
        bins: wanted.
    """
    present = np.sort(values[~np.isnan(values)])
    if not len(present):
        return np.zeros(0)
    places = np.arange(1, bins) * len(present) // bins
    edges = np.unique(present[places])
    # A bin is [edge, next edge): an edge at the smallest value would leave the first bin empty.
    return np.asarray(edges[edges > present[0]], np.float64)


def binned(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Codes:
    """Return 0 where missing, else 1 + the bin."""
    codes = 1 + np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), MISSING, codes).astype(np.int64)


def coded(values: NDArray[np.float64], categories: int) -> Codes:
    """Return 0 where missing, else 1 + the code."""
    plain = np.where(np.isnan(values), -1, values).astype(np.int64)
    return np.clip(plain + 1, MISSING, categories)
