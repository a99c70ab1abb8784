"""PersLay: persistence of the delay embedding of amounts in event time."""

import numpy as np
from gudhi.sklearn import RipsPersistence

from training_jobs.data.synthetic.lenses.base import Look, Matrix, side_by_side
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats

_STATISTICS = 8


def ranks(amounts: Floats) -> Floats:
    """Return mid-ranks in (0, 1): a scale that any marginal distribution shares."""
    order = np.argsort(np.argsort(amounts, kind="stable"), kind="stable")
    scaled: Floats = (order + 0.5) / len(amounts)
    return scaled


def embed(series: Floats, dimensions: int) -> Floats:
    """Return [points, dimensions], the delay embedding with a lag of one event."""
    windows: Floats = np.lib.stride_tricks.sliding_window_view(series, dimensions)
    return windows


def _statistics(pairs: Floats) -> list[float]:
    """Return count, greatest, second, total, mean, deviation, entropy, birth of the greatest."""
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if not len(pairs):
        return [0.0] * _STATISTICS
    life = pairs[:, 1] - pairs[:, 0]
    top = np.sort(life)[::-1]
    part = life / life.sum() if life.sum() > 0 else np.full(len(life), 1 / len(life))
    entropy = -(part * np.log(np.maximum(part, 1e-12))).sum()
    return [
        float(len(life)),
        float(top[0]),
        float(top[1]) if len(top) > 1 else 0.0,
        float(life.sum()),
        float(life.mean()),
        float(life.std()),
        float(entropy),
        float(pairs[np.argmax(life), 0]),
    ]


def persistence(series: list[Floats], dimensions: int) -> Floats:
    """Return [series, 16]: statistics of H0 and H1 of each series' embedding."""
    if not series:
        return np.zeros((0, 2 * _STATISTICS))
    rips = RipsPersistence(homology_dimensions=[0, 1], n_jobs=1)
    diagrams = rips.fit_transform([np.ascontiguousarray(embed(one, dimensions)) for one in series])
    return np.array([[*_statistics(zero), *_statistics(one)] for zero, one in diagrams])


def represent(observed: Observed, look: Look) -> Matrix:
    """Return persistence statistics of the latest events; NaN with too few of them."""
    counts = np.bincount(observed.row, minlength=observed.size)
    ends = np.cumsum(counts)
    parts = []
    for points in look.parameters.points:
        enough = np.flatnonzero(counts >= look.parameters.min_points)
        series = [
            ranks(observed.amount[max(ends[row] - points, ends[row] - counts[row]) : ends[row]])
            for row in enough
        ]
        values = np.full((observed.size, 2 * _STATISTICS), np.nan)
        values[enough] = persistence(series, look.parameters.embedding)
        parts.append(values)
    return Matrix(side_by_side(parts))
