"""The generator modules; importing this package registers all of them."""

from training_jobs.features.generators import (
    behaviour,
    categories,
    demographics,
    holdings,
    mamba,
    rolling,
)

__all__ = ["behaviour", "categories", "demographics", "holdings", "mamba", "rolling"]
