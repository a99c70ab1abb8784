"""Links and calibrators as data: what turns a sum of leaves into the served score."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.contracts.packed_model import Kind, Link

Floats = NDArray[np.float64]
EDGE = 1e-15
"""Probabilities are kept this far off 0 and 1 before a logarithm."""


class BadCalibrator(ValueError):
    """A calibrator of an unknown kind, or with parameters that cannot be."""


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def softmax(values: Floats) -> Floats:
    """Return exp(x) / sum(exp(x)) without overflow."""
    shifted = np.exp(values - values.max())
    return np.asarray(shifted / shifted.sum(), dtype=np.float64)


def _logit(values: Floats) -> Floats:
    kept = np.clip(values, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def linked(sums: Floats, link: Link, *, slope: float) -> Floats:
    """Return the output of a task's sums (one, or one a class).

    Args:
        slope: LightGBM's `sigmoid` parameter; read by the sigmoid link alone.
    """
    if link is Link.SIGMOID:
        return sigmoid(slope * sums)
    if link is Link.SOFTMAX:
        return softmax(sums)
    return np.exp(sums) if link is Link.EXP else sums


def check_calibrator(calibrator: Mapping[str, Any]) -> None:
    """Raise BadCalibrator unless the kind is known and its parameters can be used."""
    try:
        kind = Kind(calibrator["kind"])
        if kind in (Kind.PLATT, Kind.LINEAR):
            numbers = [calibrator["a"], calibrator["b"]]
        elif kind is Kind.TEMPERATURE:
            numbers = [calibrator["t"]]
        elif kind is Kind.ISOTONIC:
            numbers = [*calibrator["x"], *calibrator["y"]]
        else:
            numbers = []
        usable = bool(np.all(np.isfinite(np.array(numbers, dtype=np.float64))))
    except (KeyError, TypeError, ValueError) as error:
        raise BadCalibrator(f"not a calibrator: {type(error).__name__}") from error
    if kind is Kind.TEMPERATURE and usable:
        usable = calibrator["t"] > 0
    if kind is Kind.ISOTONIC and usable:
        x, y = calibrator["x"], calibrator["y"]
        usable = len(x) == len(y) > 0 and bool(np.all(np.diff(x) >= 0) and np.all(np.diff(y) >= 0))
    if not usable:
        raise BadCalibrator(f"a {kind} calibrator has parameters that cannot be")


def calibrated(output: Floats, calibrator: Mapping[str, Any]) -> Floats:
    """Return the served score of a linked output; the calibrator was checked when loaded."""
    kind = Kind(calibrator["kind"])
    if kind is Kind.PLATT:
        return sigmoid(calibrator["a"] * _logit(output) + calibrator["b"])
    if kind is Kind.LINEAR:
        return np.asarray(calibrator["a"] * output + calibrator["b"], dtype=np.float64)
    if kind is Kind.TEMPERATURE:
        return softmax(np.log(np.clip(output, EDGE, None)) / calibrator["t"])
    if kind is Kind.ISOTONIC:
        return np.asarray(np.interp(output, calibrator["x"], calibrator["y"]), dtype=np.float64)
    return output
