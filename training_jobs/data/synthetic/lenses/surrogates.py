"""Histories robbed of one structure: what a lens of that name must no longer see in them."""

from dataclasses import replace

import numpy as np

from training_jobs.data.synthetic.lenses import hgcn
from training_jobs.data.synthetic.lenses.base import Look, Matrix
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats


def _within(row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a permutation that only moves events within their customer."""
    order: np.ndarray = np.lexsort((rng.random(len(row)), row))
    return order


def shuffle_order(observed: Observed, rng: np.random.Generator) -> Observed:
    """Return the same events of each customer in another order; times stay where they are."""
    order = _within(observed.row, rng)
    return replace(
        observed,
        amount=observed.amount[order],
        category=observed.category[order],
        merchant=observed.merchant[order],
    )


def shuffle_merchants(observed: Observed, rng: np.random.Generator) -> Observed:
    """Return the same visits to merchants, dealt to customers at random."""
    return replace(observed, merchant=rng.permutation(observed.merchant))


def shuffled_tree(observed: Observed, look: Look, rng: np.random.Generator) -> Matrix:
    """Return the tree lens on branches of the same sizes, with their codes dealt at random."""
    branch = hgcn.branches(look.category_codes)
    return hgcn.represent_tree(observed, look, rng.permutation(branch))


def autoregressive(observed: Observed, rng: np.random.Generator) -> Observed:
    """Return each customer's amounts in the order of an AR(2) series of equal autocorrelation.

    The series is fitted to the normal scores of the customer's amounts (Yule-Walker, lags 1 and
    2) and the amounts are dealt to it by rank: spectrum and marginal stay, a loop does not.
    """
    counts = np.bincount(observed.row, minlength=observed.size)
    starts = np.cumsum(counts) - counts
    width = int(counts.max(initial=0))
    place = np.arange(len(observed.row)) - np.repeat(starts, counts)
    scores = np.zeros((observed.size, width))
    rank = np.empty(len(place))
    order = np.lexsort((observed.amount, observed.row))
    rank[order] = place
    scores[observed.row, place] = (rank + 0.5) / np.repeat(counts, counts) - 0.5
    power = (scores**2).sum(axis=1)

    def correlation(lag: int) -> Floats:
        cross = (scores[:, lag:] * scores[:, :-lag]).sum(axis=1)
        return np.clip(np.where(power > 0, cross / np.maximum(power, 1e-12), 0.0), -0.95, 0.95)

    one, two = correlation(1), correlation(2)
    first = one * (1 - two) / (1 - one**2)
    second = np.clip((two - one**2) / (1 - one**2), -0.97, 0.97)
    burn = 50
    series = np.zeros((observed.size, width + burn))
    noise = rng.standard_normal(series.shape)
    for step in range(2, series.shape[1]):
        series[:, step] = first * series[:, step - 1] + second * series[:, step - 2]
        series[:, step] = np.clip(series[:, step] + noise[:, step], -1e6, 1e6)
    score = series[observed.row, burn + place]
    amount = np.empty(len(score))
    amount[np.lexsort((score, observed.row))] = observed.amount[order]
    return replace(observed, amount=amount)
