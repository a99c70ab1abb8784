"""Parameters of the feature generators and side tensors, each a typed model under its own name.

A later generator brings its model in a module of this package and registers it under the name used
in `feature_groups.yaml`; nothing that loads settings has to change for it.
"""

from configs.settings.generators import (
    graph,
    hierarchy,
    latent,
    mamba,
    own_history,
    plain,
    tensors,
    topology,
)
from configs.settings.generators.registry import forget, known, parameters, parse

__all__ = [
    "forget",
    "graph",
    "hierarchy",
    "known",
    "latent",
    "mamba",
    "own_history",
    "parameters",
    "parse",
    "plain",
    "tensors",
    "topology",
]
