"""Parameters of the feature generators and side tensors, each a typed model under its own name.

A later generator brings its model in a module of this package and registers it under the name used
in `feature_groups.yaml`; nothing that loads settings has to change for it.
"""

from configs.settings.generators import mamba, plain, tensors
from configs.settings.generators.registry import forget, known, parameters, parse

__all__ = ["forget", "known", "mamba", "parameters", "parse", "plain", "tensors"]
