"""The customer's own daily, weekly and monthly series, and sums that no other row can change.

Time is the first axis and is walked in Python, so that every sum adds up in the same order for a
customer, whatever the number of customers beside.
"""

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.cut import CutView

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
DAYS_A_WEEK = 7


def known_days(view: CutView) -> Ints:
    """Return [n] days of the look-back on or after the day of joining; all where it is unknown."""
    return _since_joining(view, "day", view.days)


def known_months(view: CutView, months: int) -> Ints:
    """Return [n] of the last `months` months those in or after the month of joining."""
    return _since_joining(view, "month", months)


def _since_joining(view: CutView, unit: str, most: int) -> Ints:
    found = view.query(
        # DuckDB's least and greatest pass over nulls, so that a null must be met first.
        f"""SELECT row, CASE WHEN joined_on IS NULL THEN $most ELSE
              least($most, greatest(date_diff('{unit}', joined_on, $as_of) + 1, 0)) END AS known
            FROM customers""",
        most=most,
        as_of=view.as_of,
    )
    known = np.full(view.rows, most, np.int64)
    known[found["row"].astype(np.int64)] = found["known"].astype(np.int64)
    return known


def monthly(view: CutView, months: int, values: Ints, chosen: Mask) -> Ints:
    """Return [months, n] sums of `values` over the chosen events, oldest month first.

    Args:
        view: the events.
        months: length of the series, which ends with the month of `as_of`.
        values: [E] what is added up.
        chosen: [E] which events count.
    """
    events = view.events
    kept = chosen & (events.month_back < months)
    series = np.zeros((months, view.rows), np.int64)
    np.add.at(series, (months - 1 - events.month_back[kept], events.row[kept]), values[kept])
    return series


def daily_counts(view: CutView, days: int) -> Ints:
    """Return [days, n] events a day, oldest first; the last day is `as_of`."""
    events = view.events
    kept = events.back < days
    series = np.zeros((days, view.rows), np.int64)
    np.add.at(series, (days - 1 - events.back[kept], events.row[kept]), 1)
    return series


def last(known: Ints, length: int) -> Mask:
    """Return [length, n] which steps of a series are among the last `known` of each customer."""
    return np.asarray(np.arange(length)[:, None] >= length - known[None, :])


def total(series: Floats | Ints) -> Floats:
    """Return [n] the sum over the first axis, added up from the first to the last step."""
    added = np.zeros(series.shape[1:])
    for step in series.astype(np.float64, copy=False):
        added = added + step
    return added


def deviations(series: Ints, within: Mask) -> Floats:
    """Return [T, n] count x (value - mean) inside the mask, 0 outside: exact for whole numbers."""
    kept = np.where(within, series, 0)
    count = within.sum(axis=0)
    return np.where(within, count * kept - kept.sum(axis=0), 0).astype(np.float64)


def centred(series: Floats, within: Mask) -> Floats:
    """Return [T, n] value - mean inside the mask, 0 outside."""
    kept = np.where(within, series, 0.0)
    mean = total(kept) / np.maximum(within.sum(axis=0), 1)
    return np.where(within, kept - mean, 0.0)


def ratio(above: Floats, below: Floats, defined: Mask) -> Floats:
    """Return [n] above / below where `defined` and `below` is not 0, else NaN."""
    usable = defined & (below != 0)
    return np.where(usable, above / np.where(usable, below, 1.0), np.nan)


def by_customer(view: CutView, values: Floats, rows: Ints) -> Floats:
    """Return [n] the sum of `values` of each row, added up in their order."""
    return np.asarray(np.bincount(rows, weights=values, minlength=view.rows), np.float64)
