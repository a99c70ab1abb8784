"""The generator modules; importing this package registers all of them."""

from training_jobs.features.generators import (
    behaviour,
    categories,
    clusters,
    demographics,
    economics,
    hidden_states,
    holdings,
    lag,
    multidisciplinary,
    own_models,
    phase_transition,
    rolling,
    temporal,
    topology,
)

__all__ = [
    "behaviour",
    "categories",
    "clusters",
    "demographics",
    "economics",
    "hidden_states",
    "holdings",
    "lag",
    "multidisciplinary",
    "own_models",
    "phase_transition",
    "rolling",
    "temporal",
    "topology",
]
