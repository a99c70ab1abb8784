"""Metrics of binary tasks, weighted by replicate."""

import numpy as np

from training_jobs.evaluation.sample import EPSILON, Array, Sample, mean, metric, ratio

NEWTON_STEPS = 25
NEWTON_TOLERANCE = 1e-8


def _tied_sums(sample: Sample, scores: Array) -> tuple[Array, Array]:
    """Return weight of positives and of negatives per distinct score, ascending: [R, G] each."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    weights, y = sample.weights[:, order], sample.y[order]
    positives = np.add.reduceat(weights * y, starts, axis=1)
    negatives = np.add.reduceat(weights * (1 - y), starts, axis=1)
    return positives, negatives


@metric("auc")
def auc(sample: Sample) -> Array:
    """Return [R], the chance that a positive scores above a negative; ties count one half."""
    positives, negatives = _tied_sums(sample, sample.p)
    below = np.cumsum(negatives, axis=1) - 0.5 * negatives
    return ratio((positives * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def average_precision(sample: Sample, scores: Array) -> Array:
    """Return [R], the precision averaged over recall, high scores first."""
    positives, negatives = _tied_sums(sample, scores)
    found = np.cumsum(positives[:, ::-1], axis=1)
    wrong = np.cumsum(negatives[:, ::-1], axis=1)
    precision = np.nan_to_num(ratio(found, found + wrong))
    return ratio((positives[:, ::-1] * precision).sum(axis=1), positives.sum(axis=1))


@metric("pr_auc")
def pr_auc(sample: Sample) -> Array:
    """Return [R], average precision."""
    return average_precision(sample, sample.p)


def row_log_loss(y: Array, p: Array) -> Array:
    """Return [n] negative log likelihoods: p [n] for 0/1 labels, [n, C] for class indices."""
    if p.ndim == 2:
        chosen = p[np.arange(len(y)), y.astype(np.int64)]
        return -np.log(np.clip(chosen, EPSILON, 1.0))
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


@metric("log_loss_skill")
def log_loss_skill(sample: Sample) -> Array:
    """Return [R], 1 - log loss / log loss of the reference; binary and multiclass."""
    if sample.reference is None:
        return np.full(len(sample.weights), np.nan)
    own = mean(row_log_loss(sample.y, sample.p), sample.weights)
    return 1 - ratio(own, mean(row_log_loss(sample.y, sample.reference), sample.weights))


@metric("calibration_slope")
def calibration_slope(sample: Sample) -> Array:
    """Return [R], the slope of a logistic regression of the label on the logit; 1 is ideal.

    Newton's method for intercept and slope in all replicates at once; NaN where it does not
    settle (no positives, perfect separation, a constant predictor).
    """
    p = np.clip(sample.p, EPSILON, 1 - EPSILON)
    x = np.log(p) - np.log1p(-p)
    if float(np.ptp(x)) == 0.0:
        return np.full(len(sample.weights), np.nan)
    center = float(x.mean())
    x = x - center
    a, b = np.full(len(sample.weights), center), np.ones(len(sample.weights))
    moved = np.full(len(a), np.inf)
    for _ in range(NEWTON_STEPS):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mu = 1 / (1 + np.exp(-(a[:, None] + b[:, None] * x)))
            residual, spread = sample.weights * (sample.y - mu), sample.weights * mu * (1 - mu)
            g0, g1 = residual.sum(axis=1), residual @ x
            h00, h01, h11 = spread.sum(axis=1), spread @ x, spread @ (x * x)
            determinant = h00 * h11 - h01 * h01
            da = (h11 * g0 - h01 * g1) / determinant
            db = (h00 * g1 - h01 * g0) / determinant
        a, b = a + da, b + db
        moved = np.maximum(np.abs(da), np.abs(db))
        if not np.any(moved > NEWTON_TOLERANCE):
            break
    return np.where(moved <= NEWTON_TOLERANCE, b, np.nan)


@metric("observed_expected")
def observed_expected(sample: Sample) -> Array:
    """Return [R], positives observed over positives expected; 1 is ideal."""
    return ratio(sample.weights @ sample.y, sample.weights @ sample.p)


def equal_mass_bins(p: Array, points: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return [n] bin numbers 0..points-1, as many rows in each as ties allow.

    Equal predictions share a bin, or the order of the rows would decide on the error.
    """
    rank = np.searchsorted(np.sort(p), p, side="left").astype(np.int64)
    return np.minimum(rank * points // max(len(p), 1), points - 1)


@metric("ece")
def ece(sample: Sample) -> Array:
    """Return [R], expected calibration error over equal-mass bins of the prediction."""
    bins = equal_mass_bins(sample.p, sample.points)
    member = (bins[:, None] == np.arange(sample.points)).astype(np.float64)
    gaps = (sample.weights * (sample.y - sample.p)) @ member
    return ratio(np.abs(gaps).sum(axis=1), sample.weights.sum(axis=1))
