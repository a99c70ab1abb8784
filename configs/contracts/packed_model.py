"""The packed form of all students of a package: what packaging writes and serving evaluates.

Two files below `model/`: `packed.npz` (arrays, no pickle) and `packed.json`. Numerical splits
only; the rules of missing values are LightGBM's.

`packed.json`:

    {"outputs": [{"task": str, "class": int | null}],    one row a sum, in the order of `outputs`
     "tasks": {task: {"link": Link, "sigmoid": float, "calibrator": {"kind": Kind, ...}}}}

Calibrators, applied to the linked output p (probability, probabilities, or value):

    identity     {}
    platt        {"a", "b"}: sigmoid(a * logit(p) + b)
    isotonic     {"x": [...], "y": [...]}: piecewise linear, constant outside
    temperature  {"t"}: softmax(log(p) / t)
    linear       {"a", "b"}: a * p + b
"""

from enum import StrEnum

ARRAYS_FILE = "packed.npz"
TABLE_FILE = "packed.json"

DEFAULT_LEFT = 1
"""Bit 0 of `flags`: where a missing value goes."""
MISSING_SHIFT = 1
"""Bits 1 and 2 of `flags`: the missing type."""
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
ZERO_THRESHOLD = 1e-35
"""LightGBM's kZeroThreshold; used in single precision."""


class Array(StrEnum):
    """Arrays of `packed.npz`: T trees, N splits, L leaves."""

    ROOTS = "roots"
    """int32[T]: index of a split, or ~leaf for a tree that is a single leaf."""
    OUTPUTS = "outputs"
    """int32[T]: the sum a tree adds to."""
    FEATURE = "feature"
    """int32[N]: index into the decision inputs of the feature schema."""
    THRESHOLD = "threshold"
    """float64[N]: a value goes left when it is <= the threshold; may be infinite, as in the
    model text (the JSON dump writes 1e300 instead)."""
    FLAGS = "flags"
    """uint8[N]."""
    LEFT = "left"
    """int32[N]: index of a split greater than the split's own, or ~leaf."""
    RIGHT = "right"
    """int32[N]: likewise."""
    LEAVES = "leaves"
    """float64[L]: shrunken leaf values, as in the model text."""


class Link(StrEnum):
    """From the sum of a task's trees to its output."""

    SIGMOID = "sigmoid"
    """1 / (1 + exp(-sigmoid * sum))."""
    SOFTMAX = "softmax"
    IDENTITY = "identity"
    EXP = "exp"
    """Poisson regression."""


class Kind(StrEnum):
    """Calibrators."""

    IDENTITY = "identity"
    PLATT = "platt"
    ISOTONIC = "isotonic"
    TEMPERATURE = "temperature"
    LINEAR = "linear"
