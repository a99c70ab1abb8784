"""A customer's own monthly series, oldest month first: what the hidden Markov models read.

Definitions, month by month; money in minor units, NaN = not recorded:
- products_held: products held at the month end;
- active: 1 where the bank's record calls the customer active, 0 where not;
- events: transactions;
- idle_months: months since the last one with a transaction, 0 = in this one; missing before the
  first transaction of the look-back, since nobody knows how long the silence was by then;
- credits, spend: sums of credits and of debits;
- credit_balance: (credits - spend) / (credits + spend), missing without either;
- recorded_income: income in the bank's record;
- tenure: months since the customer joined;
- payments: debits;
- categories: distinct categories of the transactions that mean consumption;
- remote_share: share of the debits in remote channels, missing under a number of debits, since the
  share of one or two would be a state of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.latent import Series
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank
from training_jobs.features.history import NONE, EventHistory
from training_jobs.features.latent.arrays import Array, distinct

MONEY: frozenset[Series] = frozenset({"credits", "spend", "recorded_income"})
"""Logarithms of multiples of the fit sample's median."""
COUNTS: frozenset[Series] = frozenset(
    {"products_held", "events", "idle_months", "tenure", "payments", "categories"}
)
"""Logarithms of 1 + the number."""

INCOMES = "SELECT row, back, income FROM customer_months WHERE income IS NOT NULL"
ACTIVE = """SELECT row, back, CAST(active AS INTEGER) AS active FROM customer_months
    WHERE active IS NOT NULL"""
TENURE = """SELECT row, date_diff('month', joined_on, $as_of) AS months FROM customers
    WHERE joined_on IS NOT NULL"""


@dataclass(frozen=True)
class Months:
    """Monthly numbers of n customers over the t months of the look-back, oldest first.

    Attributes:
        observed: (t, n) the bank has a record of the month; a customer without monthly records is
            observed from the first month with a holding or a transaction on.
        series: (t, n) by name.
    """

    observed: NDArray[np.bool_]
    series: Mapping[Series, Array]


def monthly(
    view: CutView, bank: Bank, *, remote_channels: tuple[str, ...], share_payments: int = 1
) -> Months:
    """Read all series of a view.

    Args:
        view: the customers.
        bank: what is known beside.
        remote_channels: transaction channels that count as remote.
        share_payments: debits of a month under which its remote share is missing.
    """
    months = bank.lookback_months
    counted = _Counter(view, months)
    events = view.events
    credits, spend = counted.money(~events.debit), counted.money(events.debit)
    payments = counted.count(events.debit)
    flow = credits + spend
    held = counted.place("SELECT DISTINCT row, back, product FROM holdings")
    number = counted.count(np.ones(len(events.row), np.bool_))
    observed = _observed(counted, (held > 0) | (number > 0))
    remote = counted.count(events.debit & in_channels(events, remote_channels))
    incomes = counted.recorded(INCOMES, "income")
    tenure = view.scatter(TENURE, ["months"], as_of=view.as_of)[:, 0]
    back = np.arange(months - 1, -1, -1.0)[:, None]
    return Months(
        observed,
        {
            "products_held": held,
            "active": counted.recorded(ACTIVE, "active"),
            "events": number,
            "idle_months": _idle(number > 0),
            "credits": credits,
            "credit_balance": ratio(credits - spend, flow),
            "recorded_income": incomes,
            "tenure": np.maximum(tenure - back, 0.0),
            "spend": spend,
            "payments": payments,
            "categories": counted.distinct(consumption(events, bank)),
            "remote_share": np.where(payments < share_payments, np.nan, ratio(remote, payments)),
        },
    )


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, NaN where whole is 0."""
    return np.where(whole == 0, np.nan, part / np.where(whole == 0, 1.0, whole))


def in_channels(events: EventHistory, channels: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return [E] whether an event came through one of the channels."""
    # The last entry answers for NONE, which indexes from the end.
    table = np.array([*(channel in channels for channel in events.channels), False], np.bool_)
    inside: NDArray[np.bool_] = table[events.channel]
    return inside


def consumption(events: EventHistory, bank: Bank) -> NDArray[np.bool_]:
    """Return [E] whether an event has a category that means consumption in this bank."""
    debit, credit = ("debit" in bank.category_directions, "credit" in bank.category_directions)
    chosen: NDArray[np.bool_] = np.where(events.debit, debit, credit)
    return np.asarray(chosen & (events.category != NONE))


def _idle(moved: NDArray[np.bool_]) -> Array:
    idle = np.full(moved.shape, np.nan)
    for month, some in enumerate(moved):
        idle[month] = np.where(some, 0.0, idle[month - 1] + 1 if month else np.nan)
    return idle


def _observed(counted: "_Counter", traces: NDArray[np.bool_]) -> NDArray[np.bool_]:
    recorded = counted.place("SELECT row, back FROM customer_months") > 0
    since = np.logical_or.accumulate(traces, axis=0)
    return np.where(recorded.any(axis=0), recorded, since)


class _Counter:
    """Numbers by customer and month, from events sorted by customer and time; sums are integer."""

    def __init__(self, view: CutView, months: int) -> None:
        self._view, self._months = view, months
        events = view.events
        self._cell = events.row * months + (months - 1 - events.month_back)
        cells = np.arange(view.rows * months + 1)
        self._edges = np.searchsorted(self._cell, cells)

    def _shape(self, flat: NDArray[np.int64]) -> Array:
        return np.ascontiguousarray(flat.reshape(self._view.rows, self._months).T, np.float64)

    def money(self, chosen: NDArray[np.bool_]) -> Array:
        """Sum the amounts of some events."""
        # A running sum past 2**63 wraps around, and so does the difference, back to what is right.
        amounts = np.where(chosen, self._view.events.amount, 0)
        up_to = np.concatenate([[0], np.cumsum(amounts)])
        return self._shape(up_to[self._edges[1:]] - up_to[self._edges[:-1]])

    def count(self, chosen: NDArray[np.bool_]) -> Array:
        """Count some events."""
        return self._shape(np.bincount(self._cell[chosen], minlength=len(self._edges) - 1))

    def distinct(self, chosen: NDArray[np.bool_]) -> Array:
        """Count the categories of some events."""
        events = self._view.events
        width = len(events.categories) + 1
        keys = distinct(self._cell[chosen] * width + events.category[chosen])
        return self._shape(np.bincount(keys // width, minlength=len(self._edges) - 1))

    def place(self, sql: str) -> Array:
        """Count the rows of a SELECT of `row` and `back`."""
        found = self._view.query(sql)
        cell = found["row"].astype(np.int64) * self._months + (
            self._months - 1 - found["back"].astype(np.int64)
        )
        return self._shape(np.bincount(cell, minlength=len(self._edges) - 1))

    def recorded(self, sql: str, name: str) -> Array:
        """Place the value `name` of a SELECT of `row`, `back` and it; others are NaN."""
        found = self._view.query(sql)
        values = np.full((self._months, self._view.rows), np.nan)
        values[self._months - 1 - found["back"].astype(np.int64), found["row"]] = found[name]
        return values
