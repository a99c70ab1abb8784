"""All trees of all students walked in one pass over flat arrays, equal to LightGBM's predict.

The rules of a numerical split are LightGBM's. A value whose magnitude is at most 1e-35 is 0.
NaN counts as 0 unless the split's missing type is NaN. With missing type NaN (for NaN), and with
missing type Zero (for 0), the split's default direction decides; otherwise a value goes left
when it is <= the threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.contracts.packed_model import (
    DEFAULT_LEFT,
    MISSING_NAN,
    MISSING_SHIFT,
    MISSING_ZERO,
    ZERO_THRESHOLD,
)

ZERO = float(np.float32(ZERO_THRESHOLD))


class BadForest(ValueError):
    """Arrays that do not describe trees: an index out of range, or lengths that differ."""


@dataclass(frozen=True)
class Forest:
    """T trees with N splits and L leaves.

    Attributes:
        roots: int32[T], index of a split, or ~leaf for a tree that is a leaf.
        outputs: int32[T], which sum a tree adds to.
        feature: int32[N], index into the decision inputs.
        threshold: float64[N].
        flags: uint8[N], bit 0: default left; bits 1 and 2: missing type.
        left, right: int32[N], index of a split (> the split's own), or ~leaf.
        leaves: float64[L].
    """

    roots: NDArray[np.int32]
    outputs: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    flags: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.float64]

    def check(self, *, inputs: int, outputs: int) -> None:
        """Raise BadForest unless every walk ends in a leaf and every index exists."""
        splits = len(self.feature)
        rows = (self.threshold, self.flags, self.left, self.right)
        if not all(len(row) == splits for row in rows):
            raise BadForest("the arrays of splits differ in length")
        if len(self.roots) != len(self.outputs):
            raise BadForest("the arrays of trees differ in length")
        if splits and not (self.feature.min() >= 0 and self.feature.max() < inputs):
            raise BadForest("a split reads an input that does not exist")
        if len(self.roots) and not (self.outputs.min() >= 0 and self.outputs.max() < outputs):
            raise BadForest("a tree adds to an output that does not exist")
        for row in (self.roots, self.left, self.right):
            if len(row) and not (-len(self.leaves) <= row.min() and row.max() < splits):
                raise BadForest("a split or leaf that is pointed at does not exist")
        own = np.arange(splits)
        for row in (self.left, self.right):
            if np.any((row >= 0) & (row <= own)):
                raise BadForest("a split points back, a walk would not end")

    def sums(self, features: NDArray[np.float32], *, outputs: int) -> NDArray[np.float64]:
        """Return the sum of leaf values by output, float64[outputs].

        Args:
            features: float32[F], NaN is missing; infinities are values like others.
        """
        values = features.astype(np.float64)
        values[np.abs(values) <= ZERO] = 0.0
        missing = np.isnan(values)
        plain = np.where(missing, 0.0, values)
        node = self.roots.copy()
        walking = np.flatnonzero(node >= 0)
        while walking.size:
            split = node[walking]
            column = self.feature[split]
            flags = self.flags[split]
            kind = flags >> MISSING_SHIFT
            value = plain[column]
            absent = np.where(
                kind == MISSING_NAN, missing[column], (kind == MISSING_ZERO) & (value == 0.0)
            )
            goes_left = np.where(
                absent, (flags & DEFAULT_LEFT) == DEFAULT_LEFT, value <= self.threshold[split]
            )
            following = np.where(goes_left, self.left[split], self.right[split])
            node[walking] = following
            walking = walking[following >= 0]
        sums = np.bincount(self.outputs, weights=self.leaves[~node], minlength=outputs)
        return sums.astype(np.float64, copy=False)
