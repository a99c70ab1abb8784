"""Metrics of regression tasks, weighted by replicate."""

from dataclasses import replace

import numpy as np

from training_jobs.evaluation.binary import average_precision
from training_jobs.evaluation.sample import EPSILON, Array, Sample, mean, metric, ratio


@metric("mae")
def mae(sample: Sample) -> Array:
    """Return [R], mean absolute error."""
    return mean(np.abs(sample.y - sample.p), sample.weights)


@metric("rmse")
def rmse(sample: Sample) -> Array:
    """Return [R], root mean squared error."""
    return np.sqrt(mean(np.square(sample.y - sample.p), sample.weights))


@metric("r2")
def r2(sample: Sample) -> Array:
    """Return [R], 1 - squared error / squared error of the replicate's own label mean."""
    # Labels are measured from one of them: a constant label then has no spread, not a rounding one.
    y = sample.y - np.sort(sample.y)[len(sample.y) // 2]
    center = mean(y, sample.weights)
    spread = mean(np.square(y), sample.weights) - np.square(center)
    return 1 - ratio(mean(np.square(sample.y - sample.p), sample.weights), spread)


@metric("poisson_deviance")
def poisson_deviance(sample: Sample) -> Array:
    """Return [R], mean Poisson deviance; predictions are kept above 0."""
    p = np.maximum(sample.p, EPSILON)
    logs = np.where(sample.y > 0, sample.y * np.log(np.maximum(sample.y, EPSILON) / p), 0.0)
    return mean(2 * (logs - sample.y + p), sample.weights)


@metric("share_at_one")
def share_at_one(sample: Sample) -> Array:
    """Return [R], the share of labels at exactly 1: a property of the labels alone."""
    return mean((sample.y == 1).astype(np.float64), sample.weights)


@metric("pr_auc_below_one")
def pr_auc_below_one(sample: Sample) -> Array:
    """Return [R], average precision of finding labels below 1 by low predictions."""
    below = replace(sample, y=(sample.y < 1).astype(np.float64))
    return average_precision(below, -sample.p)


@metric("mse_skill")
def mse_skill(sample: Sample) -> Array:
    """Return [R], 1 - squared error / squared error of the reference."""
    if sample.reference is None:
        return np.full(len(sample.weights), np.nan)
    own = mean(np.square(sample.y - sample.p), sample.weights)
    return 1 - ratio(own, mean(np.square(sample.y - sample.reference), sample.weights))
