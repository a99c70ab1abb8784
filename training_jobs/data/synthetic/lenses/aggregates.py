"""Simple aggregates: what a bank counts anyway, with attributes as main effects."""

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix, share, side_by_side, table
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats

_DAY = 86_400
WINDOWS = (7, 30, 90, 180)
"""Days of the rolling sums."""
_HOURS = (6, 12, 18)


def _rolling(observed: Observed) -> Floats:
    """Return sum, mean, deviation, count and active days over each window."""
    columns = []
    for days in WINDOWS:
        chosen = observed.second <= days * _DAY
        row, amount = observed.row[chosen], observed.amount[chosen]
        count = np.bincount(row, minlength=observed.size)
        total = np.bincount(row, weights=amount, minlength=observed.size)
        squares = np.bincount(row, weights=amount**2, minlength=observed.size)
        mean = share(total, count)
        spread = np.sqrt(np.maximum(share(squares, count) - mean**2, 0))
        day = np.unique(row * 400 + observed.second[chosen] // _DAY) // 400
        active = np.bincount(day, minlength=observed.size)
        columns += [total, mean, spread, count, active]
    return np.stack(columns, axis=1).astype(np.float64)


def _distinct(observed: Observed, label: np.ndarray, months: int) -> Floats:
    chosen = observed.back < months
    size = int(label.max(initial=0)) + 1
    pairs = np.unique(observed.row[chosen] * size + label[chosen]) // size
    return np.bincount(pairs, minlength=observed.size).astype(np.float64)


def represent(observed: Observed, look: Look) -> Matrix:
    """Return rolling sums, behaviour, category shares, holdings and attributes."""
    size = len(look.category_codes)
    every = np.ones(len(observed.row), bool)
    count = observed.events_within(12).astype(np.float64)
    latest = np.full(observed.size, np.nan)
    last = np.cumsum(np.bincount(observed.row, minlength=observed.size)) - 1
    latest[count > 0] = observed.second[last[count > 0]] / _DAY
    quarter = observed.back < 3
    in_quarter = observed.events_within(3).astype(np.float64)[:, None]
    held = observed.held[:, -1]
    parts = [
        _rolling(observed),
        share(table(observed, every, np.digitize(observed.hour, _HOURS), 4), count[:, None]),
        latest,
        *(_distinct(observed, label, months) for months in (3, 12)
          for label in (observed.merchant, observed.category)),
        share(table(observed, every, observed.category, size), count[:, None]),
        share(table(observed, quarter, observed.category, size), in_quarter),
        held.sum(axis=1).astype(np.float64),
        held.astype(np.float64) @ look.product_groups,
    ]  # fmt: skip
    together = side_by_side(parts)
    attributes = np.stack(
        [observed.income, observed.channel, observed.segment, observed.region, observed.age,
         observed.gender, observed.joined], axis=1,
    )  # fmt: skip
    width, more = together.shape[1], attributes.shape[1]
    return Matrix(
        np.concatenate([together, attributes], axis=1),
        categorical=tuple(width + place for place in (1, 2, 3, 5)),
        alone=tuple(range(width, width + more)),
    )
