"""The generator modules; importing this package registers all of them."""

from training_jobs.features.generators import (
    behaviour,
    categories,
    demographics,
    economics,
    holdings,
    lag,
    multidisciplinary,
    phase_transition,
    rolling,
    temporal,
    topology,
)

__all__ = [
    "behaviour",
    "categories",
    "demographics",
    "economics",
    "holdings",
    "lag",
    "multidisciplinary",
    "phase_transition",
    "rolling",
    "temporal",
    "topology",
]
