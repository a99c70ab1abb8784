"""What a metric reads: labels, predictions and one set of row weights a bootstrap replicate."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.errors import SevenLensError

Array = NDArray[np.float64]
EPSILON = 1e-9
"""Probabilities are kept this far from 0 and 1 where a logarithm is taken."""


@dataclass(frozen=True)
class Sample:
    """n labelled rows.

    Attributes:
        y: [n] labels: 0/1, class indices, or values.
        p: [n] probabilities or values, or [n, C] class probabilities.
        weights: [R, n], row weights of R replicates; ones for the point estimate.
        reference: like `p`, what a skill is measured against; None where none is.
        points: equal-mass points of calibration measures.
    """

    y: Array
    p: Array
    weights: Array
    reference: Array | None = None
    points: int = 10


Metric = Callable[[Sample], Array]
"""Returns [R], NaN where undefined."""

_METRICS: dict[str, Metric] = {}


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register the decorated function under `name`.

    Raises:
        SevenLensError: the name is taken.
    """

    def add(function: Metric) -> Metric:
        if name in _METRICS:
            raise SevenLensError(f"metric '{name}' stands twice", remedy="choose another name")
        _METRICS[name] = function
        return function

    return add


def find_metric(name: str) -> Metric:
    """Return a registered metric.

    Raises:
        SevenLensError: there is no such metric.
    """
    if name not in _METRICS:
        raise SevenLensError(
            f"metric '{name}' does not exist",
            remedy=f"choose from {', '.join(sorted(_METRICS))} in the tasks settings",
        )
    return _METRICS[name]


def ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN where `below` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below != 0, above / np.where(below != 0, below, 1), np.nan)


def mean(values: Array, weights: Array) -> Array:
    """Return [R], the weighted means of `values` [n]."""
    return ratio(weights @ values, weights.sum(axis=1))
