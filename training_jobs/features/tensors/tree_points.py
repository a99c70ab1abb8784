"""Tree points: the customer as weighted points of the category tree, with the tree's edges."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from configs.settings.generators.hierarchy import TreePointsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.spending_tree import node_counts, seen_tree
from training_jobs.features.tensors.lists import list_array, list_of
from training_jobs.features.tree import Tree

FIELDS = (
    pa.field("nodes", list_of(pa.int32())),
    pa.field("weights", list_of(pa.float32())),
)


@TENSORS.register("tree_points")
class TreePoints(SideTensor[TreePointsParameters]):
    """Nodes of the tree in ascending order and the customer's share of consuming events at each.

    A category that the fit sample never met counts for its nearest known ancestor. The weights of
    a customer add to 1; without events both lists are empty.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn which part of the tree is in use, root first, parents before children."""
        tree = seen_tree(view, self.bank, months=self.bank.lookback_months)
        return Fitted({"nodes": list(tree.nodes), "parents": list(tree.parents)})

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare the two lists."""
        del fitted
        return FIELDS

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return ascending node indices and their weights."""
        counts = node_counts(view, self.bank, _tree(fitted), months=self.parameters.months)
        lengths = np.diff(counts.indptr).astype(np.int64)
        total = np.repeat(counts.sum(axis=1), lengths)
        return (
            list_array(counts.indices, lengths, pa.int32()),
            list_array(counts.data / total, lengths, pa.float32()),
        )

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return the nodes."""
        return {"tree_nodes": list(fitted.values["nodes"])}

    def edges(self, fitted: Fitted) -> Mapping[str, list[list[int]]]:
        """Return [child, parent] of every node but the root, as places in `tree_nodes`."""
        return {"tree_nodes": _tree(fitted).edges}


def _tree(fitted: Fitted) -> Tree:
    return Tree(tuple(fitted.values["nodes"]), tuple(fitted.values["parents"]))
