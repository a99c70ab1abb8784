"""The standardised daily spending of a window."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.topology import Topology
from configs.settings.months import shift
from training_jobs.features.cut import CutView
from training_jobs.features.topology.purchases import is_spending

FloatArray = NDArray[np.float64]
TINY = 1e-9
"""A log series whose deviation is below this is constant but for rounding."""


def window_days(as_of: date, months: int) -> int:
    """Return the days of the last `months` calendar months."""
    return (as_of - shift(as_of, -months)).days


def daily_spending(
    view: CutView, rows: NDArray[np.int64], *, months: int, topology: Topology
) -> FloatArray:
    """Return the series of some customers, shape (len(rows), days), oldest day first.

    x = log(1 + spending of the day / mean spending of the days with any), then mean 0 and
    deviation 1 over the window; a constant series is 0. Days without spending are 0 before the
    standardisation, those before the customer joined too. The currency and its scale cancel out.

    Args:
        view: the customers.
        rows: ascending rows of the view, each with spending inside the window.
        months: calendar months of the window.
        topology: says what spending is.
    """
    events = view.events
    days = window_days(view.as_of, months)
    place = np.full(view.rows, -1)
    place[rows] = np.arange(len(rows))
    chosen = is_spending(events, topology) & (events.back < days) & (place[events.row] >= 0)
    cell = place[events.row[chosen]] * days + (days - 1 - events.back[chosen])
    # Minor units: exact in float64, in whatever order they are added.
    spent = np.bincount(cell, events.amount[chosen], minlength=len(rows) * days)
    series = np.asarray(spent, np.float64).reshape(len(rows), days)
    usual = series.sum(axis=1) / np.count_nonzero(series, axis=1)
    series = np.log1p(series / usual[:, None])
    series -= series.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.mean(series * series, axis=1, keepdims=True))
    constant = deviation < TINY
    return np.where(constant, 0.0, series / np.where(constant, 1.0, deviation))
