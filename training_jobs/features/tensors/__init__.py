"""The side tensors; importing this package registers all of them."""

from training_jobs.features.tensors import events, histograms, incidence, tree_points

__all__ = ["events", "histograms", "incidence", "tree_points"]
