"""Calibrators, fitted on the calibration half and written as plain numbers.

Platt (1999) with a logit input, isotonic regression (Zadrozny and Elkan, 2002), temperature
scaling (Guo et al., 2017), and a least-squares line for regression.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from configs.contracts.packed_model import Kind
from configs.settings.distillation import Calibration
from training_jobs.distillation.boosting import selection_loss, softmax
from training_jobs.distillation.rows import Floats, TaskRow

EDGE = 1e-15
LARGE = 1e6
TEMPERATURES = (0.05, 20.0)


def _logit(p: Floats) -> Floats:
    kept = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def _platt(y: Floats, p: Floats) -> dict[str, Any]:
    line = LogisticRegression(C=LARGE, tol=1e-10, max_iter=1000).fit(_logit(p)[:, None], y)
    slope, shift = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:
        # A student that ranks the wrong way round here knows nothing: its mean is all it can say.
        rate = np.array([y.mean()])
        return {"kind": Kind.PLATT, "a": 0.0, "b": float(_logit(rate)[0])}
    return {"kind": Kind.PLATT, "a": slope, "b": shift}


def _isotonic(y: Floats, p: Floats) -> dict[str, Any]:
    # A pure end of n rows is not certainty: it may say no more than one in n + 2 (Laplace).
    edge = 1.0 / (len(y) + 2.0)
    steps = IsotonicRegression(y_min=edge, y_max=1.0 - edge, out_of_bounds="clip").fit(p, y)
    return {
        "kind": Kind.ISOTONIC,
        "x": [float(value) for value in steps.X_thresholds_],
        "y": [float(value) for value in steps.y_thresholds_],
    }


def _temperature(task: TaskRow, y: Floats, p: Floats) -> dict[str, Any]:
    logs = np.log(np.clip(p, EDGE, None))
    found = minimize_scalar(
        lambda log_t: selection_loss(task, y, softmax(logs / np.exp(log_t))),
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return {"kind": Kind.TEMPERATURE, "t": float(np.exp(found.x))}


def _line(y: Floats, p: Floats) -> dict[str, Any]:
    # As with Platt's: a line that turns the order round, or none at all, leaves the mean.
    slope = float(np.cov(p, y, ddof=0)[0, 1] / p.var()) if np.ptp(p) > 0 else 0.0
    if slope <= 0:
        return {"kind": Kind.LINEAR, "a": 0.0, "b": float(y.mean())}
    return {"kind": Kind.LINEAR, "a": slope, "b": float(y.mean() - slope * p.mean())}


def _scale(y: Floats, p: Floats) -> dict[str, Any]:
    """A count stays positive: its line goes through the origin."""
    return {"kind": Kind.LINEAR, "a": float(y.mean() / p.mean()), "b": 0.0}


def fit_calibrator(task: TaskRow, y: Floats, p: Floats, settings: Calibration) -> dict[str, Any]:
    """Return the calibrator of outputs `p` for hard labels `y` of the calibration half."""
    if task.type == "regression":
        return _scale(y, p) if task.loss == "poisson" else _line(y, p)
    if task.type == "multiclass":
        return _temperature(task, y, p)
    rarer = min(float(y.sum()), float(len(y) - y.sum()))
    if rarer >= settings.min_isotonic_positives:
        return _isotonic(y, p)
    return _platt(y, p)


def calibrated(p: Floats, calibrator: Mapping[str, Any]) -> Floats:
    """Return calibrated outputs, [n] or [n, C]."""
    kind = Kind(calibrator["kind"])
    if kind is Kind.PLATT:
        return np.asarray(1.0 / (1.0 + np.exp(-(calibrator["a"] * _logit(p) + calibrator["b"]))))
    if kind is Kind.LINEAR:
        return np.asarray(calibrator["a"] * p + calibrator["b"])
    if kind is Kind.TEMPERATURE:
        return softmax(np.log(np.clip(p, EDGE, None)) / calibrator["t"])
    if kind is Kind.ISOTONIC:
        return np.asarray(np.interp(p, calibrator["x"], calibrator["y"]))
    return p
