"""Group 9: where the customer stands among the products of the catalogue, in the Poincare ball."""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.hierarchy import ProductHierarchyParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank, Column, Fitted, FloatArray, Generator
from training_jobs.features.hyperbolic import midpoint, to_hyperboloid
from training_jobs.features.registry import GENERATORS
from training_jobs.features.tree import Tree, grown
from training_jobs.features.tree_embedding import embed

_ALL = "all"


def product_tree(bank: Bank) -> Tree:
    """Return the tree root > group > product."""
    parents: dict[str, str | None] = {_ALL: None}
    for product in bank.products:
        parents[f"group:{product.group}"] = _ALL
        parents[f"product:{product.code}"] = f"group:{product.group}"
    return grown(parents, parents)


@GENERATORS.register("product_hierarchy")
class ProductHierarchy(Generator[ProductHierarchyParameters]):
    """Midpoint of the products held at `as_of`, its norm, and how deep their branches run together.

    The depth is the mean, over all ordered pairs of products held (a product with itself among
    them), of the depth of their lowest common ancestor: 2 for a single product, 1 plus a little
    for many of one group, towards 0 for products of many groups. Nothing held: all missing.
    """

    def fit(self, view: CutView) -> Fitted:
        """Lay the catalogue out in the ball; no row of the view is read."""
        del view
        tree = product_tree(self.bank)
        laid = embed(tree, self.parameters.embedding)
        places = [tree.place[f"product:{product.code}"] for product in self.bank.products]
        return Fitted(
            {"mean_precision": laid.mean_precision, "distortion": laid.distortion},
            {"points": laid.points[places]},
        )

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare one column a dimension, and two."""
        del fitted
        width = self.parameters.embedding.dimension
        names = [f"product_position_{number}" for number in range(1, width + 1)]
        return tuple(Column(name) for name in (*names, "product_norm", "product_depth"))

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, dimension + 2)."""
        held = self._held(view)
        total = held.sum(axis=1)
        lifted = to_hyperboloid(fitted.arrays["points"])
        summed = np.zeros((view.rows, lifted.shape[1]))
        # One product after the other: the order of a sum must not depend on the other rows.
        for place in range(len(self.bank.products)):
            summed += held[:, place : place + 1] * lifted[place]
        point, _ = midpoint(summed / np.maximum(total, 1)[:, None])
        norm = np.sqrt(np.sum(point * point, axis=1))
        values = np.column_stack([point, norm, self._common_depth(held)])
        values[total == 0] = np.nan
        return values.astype(np.float32)

    def _held(self, view: CutView) -> NDArray[np.int64]:
        """Return (rows, products): 1 where held at `as_of`."""
        codes = [product.code for product in self.bank.products]
        held = np.zeros((view.rows, len(codes)), np.int64)
        found = view.query(
            """SELECT row, list_position($codes::VARCHAR[], product) AS place
               FROM holdings WHERE back = 0 AND list_contains($codes::VARCHAR[], product)""",
            codes=codes,
        )
        held[found["row"], found["place"].astype(np.int64) - 1] = 1
        return held

    def _common_depth(self, held: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (rows,): shared ancestors of two products held, the root not counted."""
        groups = [product.group for product in self.bank.products]
        total = held.sum(axis=1)
        pairs = total.copy()
        for group in sorted(set(groups)):
            of_group = held[:, [place for place, name in enumerate(groups) if name == group]]
            pairs += of_group.sum(axis=1) ** 2
        return np.asarray(pairs / np.maximum(total, 1) ** 2, np.float64)
