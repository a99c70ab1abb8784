"""The side tensors; importing this package registers all of them."""

from training_jobs.features.tensors import (
    events,
    histograms,
    incidence,
    persistence,
    tree_points,
)

__all__ = [
    "events",
    "histograms",
    "incidence",
    "persistence",
    "tree_points",
]
