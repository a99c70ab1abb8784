"""Causal: named monthly variables in their order: pay received, spending, share paid by mobile."""

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix, share, side_by_side, table
from training_jobs.data.synthetic.lenses.observed import LOOKBACK, Observed
from training_jobs.data.synthetic.random import Floats, Ints

_RECENT = 3
"""Months of the latest share paid by mobile."""


def monthly_spending(observed: Observed) -> tuple[Floats, Floats]:
    """Return [n, 12] mean log amount and number of events by month, latest last."""
    at = LOOKBACK - 1 - observed.back
    count = table(observed, np.ones(len(at), bool), at, LOOKBACK)
    flat = observed.row * LOOKBACK + at
    size = observed.size * LOOKBACK
    total = np.bincount(flat, weights=np.log(observed.amount), minlength=size)
    return share(total.reshape(-1, LOOKBACK), count), count


def changes(pay: Floats) -> Floats:
    """Return [n, 11] changes of log pay from month to month; a month without pay is passed over."""
    return np.diff(_carry(np.log(np.where(pay > 0, pay, np.nan))), axis=1)


def step(pay: Floats) -> tuple[Floats, Ints]:
    """Return the largest rise between neighbouring months of log pay, and the month after it.

    NaN and 0 where there are not two months with pay.
    """
    change = changes(pay)
    change = np.where(np.isfinite(change), change, -np.inf)
    where = change.argmax(axis=1)
    size = change[np.arange(len(change)), where]
    return np.where(np.isfinite(size), size, np.nan), (where + 1).astype(np.int64)


def _carry(values: Floats) -> Floats:
    """Return the values with gaps filled by the last one before."""
    index = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    latest = np.maximum.accumulate(index, axis=1)
    return np.take_along_axis(values, latest, axis=1)


def around(spent: Floats, count: Floats, month: Ints) -> Floats:
    """Return [n] mean log amount from `month` on, less that of before."""
    after = np.arange(LOOKBACK)[None, :] >= month[:, None]
    total = np.nan_to_num(spent) * count
    later = share((total * after).sum(axis=1), (count * after).sum(axis=1))
    return later - share((total * ~after).sum(axis=1), (count * ~after).sum(axis=1))


def represent(observed: Observed, look: Look) -> Matrix:
    """Return the monthly variables, the pay rise with its month, and spending around it."""
    del look
    regular = observed.credits[:, :, :2].sum(axis=2)
    received = observed.credits.sum(axis=2)
    spent, count = monthly_spending(observed)
    at = LOOKBACK - 1 - observed.back
    parts: list[Floats | Ints] = []
    for pay in (regular, received):
        rise, month = step(pay)
        parts += [rise, LOOKBACK - month, around(spent, count, month)]
        parts.append(np.diff(np.log(np.where(pay > 0, pay, np.nan)), axis=1))
    recent = at >= LOOKBACK - _RECENT
    by_mobile = np.bincount(observed.row[recent & observed.mobile], minlength=observed.size)
    latest = share(by_mobile, np.bincount(observed.row[recent], minlength=observed.size))
    return Matrix(side_by_side([*parts, np.diff(spent, axis=1), latest]))
