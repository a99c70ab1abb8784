"""The generator modules; importing this package registers all of them."""

from training_jobs.features.generators import (
    behaviour,
    categories,
    demographics,
    graph,
    holdings,
    merchant_hierarchy,
    product_hierarchy,
    rolling,
)

__all__ = [
    "behaviour",
    "categories",
    "demographics",
    "graph",
    "holdings",
    "merchant_hierarchy",
    "product_hierarchy",
    "rolling",
]
