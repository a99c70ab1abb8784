"""Group 10: where the customer's spending stands in the category tree, in the Poincare ball."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from configs.settings.generators.hierarchy import MerchantHierarchyParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.hyperbolic import midpoint, to_hyperboloid
from training_jobs.features.registry import GENERATORS
from training_jobs.features.spending_tree import (
    Spending,
    level_labels,
    node_counts,
    seen_tree,
    shares_of,
    spending,
)
from training_jobs.features.tree import Tree
from training_jobs.features.tree_embedding import embed

LEVELS = ("range", "prefix", "code", "merchant")
"""Levels of the tree below the root; merchants hang below their codes."""


@GENERATORS.register("merchant_hierarchy")
class MerchantHierarchy(Generator[MerchantHierarchyParameters]):
    """Spread over each level of the tree, centroid of the spending, its norm, depth and spread.

    Every consuming event with a category weighs the same. At each level: the entropy in nats and
    the largest share. The centroid is the Einstein midpoint of the categories' points, the spread
    arcosh of the mean cosh of the distances to it, and the depth the mean depth of the lowest
    common ancestor of two events drawn with replacement (0 = the root, 4 = the same merchant).
    Merchants are counted and not embedded: in the ball an event is at its category. No event: all
    missing; no merchant recorded at all: the merchant level is that of the codes.
    """

    def fit(self, view: CutView) -> Fitted:
        """Lay out the part of the category tree that the fit sample's spending touches."""
        tree = seen_tree(view, self.bank, months=self.bank.lookback_months)
        laid = embed(tree, self.parameters.embedding)
        return Fitted(
            {
                "nodes": list(tree.nodes),
                "parents": list(tree.parents),
                "mean_precision": laid.mean_precision,
                "distortion": laid.distortion,
            },
            {"points": laid.points},
        )

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare two columns a level, one a dimension, and three."""
        del fitted
        width = self.parameters.embedding.dimension
        names = [
            *(f"taste_entropy_{level}" for level in LEVELS),
            *(f"taste_top_share_{level}" for level in LEVELS),
            *(f"taste_position_{number}" for number in range(1, width + 1)),
            "taste_norm",
            "taste_depth",
            "taste_spread",
        ]
        return tuple(Column(name) for name in names)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, dimension + 11)."""
        months = self.parameters.months
        found = spending(view, self.bank, months=months)
        by_level = [
            shares_of(labels, found, rows=view.rows, size=int(labels.max(initial=-1)) + 1)
            for labels in self._labels(found)
        ]
        total = np.bincount(found.row, minlength=view.rows).astype(np.int64)
        tree = Tree(tuple(fitted.values["nodes"]), tuple(fitted.values["parents"]))
        weights = node_counts(view, self.bank, tree, months=months)
        summed = weights @ to_hyperboloid(fitted.arrays["points"])
        point, cosine = midpoint(summed / np.maximum(total, 1)[:, None])
        values = np.column_stack(
            [
                *(_entropy(counts, total) for counts in by_level),
                *(_largest(counts) / np.maximum(total, 1) for counts in by_level),
                point,
                np.sqrt(np.sum(point * point, axis=1)),
                sum(_squares(counts) for counts in by_level) / np.maximum(total, 1) ** 2,
                np.arccosh(cosine),
            ]
        )
        values[total == 0] = np.nan
        return values.astype(np.float32)

    def _labels(self, found: Spending) -> list[NDArray[np.int64]]:
        """Return the label of each event at each level."""
        parents = self.bank.parents
        ranges, prefixes = (
            level_labels(found.categories, parents, level=level) for level in (1, 2)
        )
        # The same merchant under two codes is two leaves; what has no merchant is a leaf a code.
        shops = found.category * (found.merchant.max(initial=-1) + 2) + found.merchant + 1
        _, merchants = np.unique(shops, return_inverse=True)
        return [
            ranges[found.category],
            prefixes[found.category],
            found.category,
            merchants.astype(np.int64),
        ]


def _by_row(counts: sparse.csr_array, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of `values` of the stored entries over each row: integers, so exact."""
    sums = counts.copy()
    sums.data = values
    return np.asarray(sums.sum(axis=1), np.int64)


def _squares(counts: sparse.csr_array) -> NDArray[np.int64]:
    return _by_row(counts, counts.data**2)


def _largest(counts: sparse.csr_array) -> NDArray[np.int64]:
    """Return the largest entry of each row, 0 where it has none."""
    largest = np.zeros(counts.shape[0], np.int64)
    filled = np.flatnonzero(np.diff(counts.indptr))
    if len(filled):
        largest[filled] = np.maximum.reduceat(counts.data, counts.indptr[filled])
    return largest


def _entropy(counts: sparse.csr_array, total: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the entropy of each row's shares in nats.

    n log n is looked up by integer count and added in the order of the entries, so a value cannot
    depend on where its row stands in a vectorised call.
    """
    # Whole vectors of the processor: the logarithm of a number never falls to another code path.
    number = np.arange(1 << max(10, int(total.max(initial=0)).bit_length()), dtype=np.float64)
    nlogn = number * np.log(np.maximum(number, 1.0))
    terms = counts.astype(np.float64)
    terms.data = nlogn[counts.data]
    summed = terms @ np.ones(counts.shape[1])
    safe = np.maximum(total, 1)
    # Rounding may leave a hair below 0 where all events are of one kind.
    return np.asarray(np.maximum((nlogn[total] - summed) / safe, 0.0), np.float64)
