"""Optimal Transport: the joint distribution of tier and amount, apart from its marginals."""

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix, share, side_by_side, table
from training_jobs.data.synthetic.lenses.observed import LOOKBACK, Observed
from training_jobs.data.synthetic.random import Floats, Ints

TIERS = 3


def own_ranks(observed: Observed) -> Floats:
    """Return [e] the mid-rank of each amount among the customer's own, in (0, 1)."""
    order = np.lexsort((observed.amount, observed.row))
    counts = np.bincount(observed.row, minlength=observed.size)
    starts = np.cumsum(counts) - counts
    within = np.arange(len(order)) - np.repeat(starts, counts)
    result = np.empty(len(order))
    result[order] = (within + 0.5) / np.repeat(counts, counts)
    return result


def interaction(joint: Floats) -> Floats:
    """Return [n, tiers * bins]: shares less the product of their marginals.

    Args:
        joint: [n, tiers, bins] counts.
    """
    shares = share(joint, joint.sum(axis=(1, 2), keepdims=True))
    product = shares.sum(axis=2, keepdims=True) * shares.sum(axis=1, keepdims=True)
    apart: Floats = (shares - product).reshape(len(joint), -1)
    return apart


def _slope(observed: Observed, chosen: np.ndarray, tier: Ints, rank: Floats) -> Floats:
    """Return [n, 1] covariance of tier and amount rank among the chosen events."""
    row, size = observed.row[chosen], observed.size
    first, second = tier[chosen].astype(np.float64), rank[chosen]
    count = np.bincount(row, minlength=size)

    def mean(values: Floats) -> Floats:
        return share(np.bincount(row, weights=values, minlength=size), count)

    return (mean(first * second) - mean(first) * mean(second))[:, None]


def represent(observed: Observed, look: Look) -> Matrix:
    """Return the interaction in recent windows, in the past before them, and their difference."""
    bins = look.parameters.amount_bins
    tier = look.tier[observed.category]
    rank = own_ranks(observed)
    cell = (tier + 1) * bins + np.floor(rank * bins).astype(np.int64)
    parts = []
    for months in look.parameters.months[1:4]:
        both = []
        for chosen in (observed.back < months, observed.back >= LOOKBACK // 2):
            joint = table(observed, chosen, cell, TIERS * bins).reshape(-1, TIERS, bins)
            both.append(
                np.concatenate([interaction(joint), _slope(observed, chosen, tier, rank)], 1)
            )
        parts += [both[0], both[0] - both[1]]
    return Matrix(side_by_side(parts))
