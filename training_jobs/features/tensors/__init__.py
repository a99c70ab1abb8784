"""The side tensors; importing this package registers all of them."""

from training_jobs.features.tensors import (
    events,
    incidence,
    persistence,
)

__all__ = [
    "events",
    "incidence",
    "persistence",
]
