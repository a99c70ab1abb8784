"""All trees of all students walked in one pass over flat arrays, equal to LightGBM's predict.

The rules of a numerical split are LightGBM's. A value whose magnitude is at most 1e-35 is 0.
NaN counts as 0 unless the split's missing type is NaN. With missing type NaN (for NaN), and with
missing type Zero (for 0), the split's default direction decides; otherwise a value goes left
when it is <= the threshold.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from configs.contracts.packed_model import (
    DEFAULT_LEFT,
    MISSING_NONE,
    MISSING_SHIFT,
    MISSING_ZERO,
    ZERO_THRESHOLD,
    Array,
)

ZERO = float(np.float32(ZERO_THRESHOLD))


class BadForest(ValueError):
    """Arrays that do not describe trees: an index out of range, or lengths that differ."""


def check_arrays(arrays: Mapping[Array, NDArray[np.generic]], *, inputs: int, sums: int) -> None:
    """Raise BadForest unless every walk ends in a leaf and every index exists.

    Args:
        inputs: number of decision inputs.
        sums: number of sums that trees may add to.
    """
    own = np.arange(len(arrays[Array.FEATURE]))
    splits, leaves = len(own), len(arrays[Array.LEAVES])
    if any(
        len(arrays[row]) != splits
        for row in (Array.THRESHOLD, Array.FLAGS, Array.LEFT, Array.RIGHT)
    ):
        raise BadForest("the arrays of splits differ in length")
    if len(arrays[Array.ROOTS]) != len(arrays[Array.OUTPUTS]):
        raise BadForest("the arrays of trees differ in length")
    for row, low, high in (
        (Array.FEATURE, 0, inputs),
        (Array.OUTPUTS, 0, sums),
        (Array.ROOTS, -leaves, splits),
        (Array.LEFT, -leaves, splits),
        (Array.RIGHT, -leaves, splits),
    ):
        values = arrays[row].astype(np.int64)
        if values.size and not (values.min() >= low and values.max() < high):
            raise BadForest(f"array '{row}' points at something that does not exist")
    for row in (Array.LEFT, Array.RIGHT):
        values = arrays[row].astype(np.int64)
        if np.any((values >= 0) & (values <= own)):
            raise BadForest("a split points back, a walk would not end")


class Forest:
    """T trees with N splits and L leaves, prepared for walking.

    Leaves are numbered after the splits, and both children of a split lie side by side, so that
    one step of all trees is a handful of gathers. What a missing value does at a split is worked
    out once.

    Args:
        arrays: the arrays of the packed form, checked by `check_arrays`.
    """

    def __init__(self, arrays: Mapping[Array, NDArray[np.generic]]) -> None:
        threshold = arrays[Array.THRESHOLD].astype(np.float64)
        flags = arrays[Array.FLAGS].astype(np.uint8)
        kind = flags >> MISSING_SHIFT
        default_left = (flags & DEFAULT_LEFT) == DEFAULT_LEFT
        zero_left = threshold >= 0.0
        self._splits = len(threshold)
        self._feature = arrays[Array.FEATURE].astype(np.intp)
        self._threshold = threshold
        self._missing_left = np.where(kind == MISSING_NONE, zero_left, default_left)
        self._zero_turns = (kind == MISSING_ZERO) & (default_left != zero_left)
        self._any_zero_turns = bool(self._zero_turns.any())
        self._children = np.empty(2 * self._splits, dtype=np.intp)
        self._children[0::2] = self._numbered(arrays[Array.RIGHT])
        self._children[1::2] = self._numbered(arrays[Array.LEFT])
        self._roots = self._numbered(arrays[Array.ROOTS])
        self._outputs = arrays[Array.OUTPUTS].astype(np.intp)
        self._leaves = arrays[Array.LEAVES].astype(np.float64)

    def _numbered(self, pointers: NDArray[np.generic]) -> NDArray[np.intp]:
        whole = pointers.astype(np.intp)
        return np.where(whole >= 0, whole, self._splits + ~whole)

    def sums(self, features: NDArray[np.float32], *, outputs: int) -> NDArray[np.float64]:
        """Return the sum of leaf values by output, float64[outputs].

        Args:
            features: float32[F], NaN is missing; infinities are values like others.
        """
        values = features.astype(np.float64)
        values[np.abs(values) <= ZERO] = 0.0
        node = self._roots.copy()
        walking = np.flatnonzero(node < self._splits)
        while walking.size:
            split = node[walking]
            value = values[self._feature[split]]
            goes_left = (value <= self._threshold[split]) | (
                np.isnan(value) & self._missing_left[split]
            )
            if self._any_zero_turns:
                goes_left ^= (value == 0.0) & self._zero_turns[split]
            following = self._children[2 * split + goes_left]
            node[walking] = following
            walking = walking[following < self._splits]
        reached = self._leaves[node - self._splits]
        sums = np.bincount(self._outputs, weights=reached, minlength=outputs)
        return sums.astype(np.float64, copy=False)
