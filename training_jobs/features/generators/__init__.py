"""The generator modules; importing this package registers all of them."""

from training_jobs.features.generators import (
    behaviour,
    categories,
    clusters,
    demographics,
    hidden_states,
    holdings,
    own_models,
    rolling,
)

__all__ = [
    "behaviour",
    "categories",
    "clusters",
    "demographics",
    "hidden_states",
    "holdings",
    "own_models",
    "rolling",
]
