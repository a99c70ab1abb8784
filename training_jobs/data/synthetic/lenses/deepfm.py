"""DeepFM: attributes and holdings as fields, and every pair of attribute fields."""

from itertools import combinations

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats, Ints


def bands(values: Floats, count: int) -> Ints:
    """Return equal-mass bands 1..count of the values, 0 where missing."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), np.int64)
    cuts = np.quantile(values[known], np.arange(1, count) / count)
    return np.where(known, 1 + np.searchsorted(cuts, np.nan_to_num(values)), 0).astype(np.int64)


def represent(observed: Observed, look: Look) -> Matrix:
    """Return fields, pairs of fields as one code each, and the products held."""
    fields = [
        bands(observed.income, look.parameters.income_bands),
        observed.channel,
        observed.segment,
        observed.region,
        bands(observed.age, look.parameters.age_bands),
        bands(observed.joined.astype(np.float64), look.parameters.age_bands),
    ]
    pairs = [
        first * (int(second.max(initial=0)) + 1) + second
        for first, second in combinations(fields, 2)
    ]
    codes = np.stack([*fields, *pairs], axis=1).astype(np.float64)
    values = np.concatenate([codes, observed.held[:, -1]], axis=1)
    return Matrix(values, categorical=tuple(range(codes.shape[1])))
