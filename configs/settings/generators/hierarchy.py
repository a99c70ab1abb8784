"""Parameters of what places customers in trees: of categories, of products."""

from pydantic import Field

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters


class TreeEmbeddingParameters(Strict):
    """How a tree is laid out in the Poincare ball.

    Attributes:
        dimension: width of a point.
        edge_length: hyperbolic length of one edge; longer edges render a tree better and push its
            leaves towards the rim.
        steps: steps of Adam; a tree deeper than a handful of levels needs more. Mean precision and
            distortion stand in the fitted values.
        learning_rate: of the first step; it falls to 0 in a straight line.
        seed: of the starting points.
    """

    dimension: int = Field(gt=1)
    edge_length: float = Field(gt=0, le=4)
    steps: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    seed: int = Field(ge=0)


@parameters("product_hierarchy")
class ProductHierarchyParameters(Strict):
    """Where the customer stands among the products of the catalogue."""

    embedding: TreeEmbeddingParameters


@parameters("merchant_hierarchy")
class MerchantHierarchyParameters(Strict):
    """Where the customer's spending stands in the category tree.

    Attributes:
        months: newest calendar months whose events count.
    """

    months: int = Field(gt=0)
    embedding: TreeEmbeddingParameters


@parameters("tree_points")
class TreePointsParameters(Strict):
    """The categories of the customer as weighted points of the tree.

    Attributes:
        months: newest calendar months whose events count.
    """

    months: int = Field(gt=0)
