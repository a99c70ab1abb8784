"""The events of a view as flat arrays, oldest first: read once, shared by every generator."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NONE = -1
"""Code of a category or merchant that is not recorded."""
DAY, WEEK, MONDAY, SATURDAY = 86_400, 7, 3, 5
"""1970-01-01 was the fourth day of a week that starts on Monday."""

# In whatever order the database has them: see `_time_order`.
SQL = """
    SELECT row, back, CAST(date_diff('month', CAST(ts AS DATE), $as_of) AS INTEGER) AS month_back,
      epoch_us(ts) AS microsecond, CAST(hour(ts) AS INTEGER) AS hour, amount,
      direction = 'debit' AS debit, category, channel, merchant
    FROM transactions
"""


@dataclass(frozen=True)
class EventHistory:
    """All E events of a view's n customers, sorted by customer, then time, oldest first.

    Attributes:
        offsets: [n + 1] the events of row i are those from offsets[i] up to offsets[i + 1].
        row: [E] index of the customer.
        back: [E] days back from `as_of`, 0 = that day.
        month_back: [E] calendar months back from `as_of`, 0 = its month.
        microsecond: [E] microseconds since 1970, local time of the bank.
        hour: [E] 0..23.
        amount: [E] minor units, > 0.
        debit: [E] bool.
        category: [E] index into `categories`, NONE where not recorded.
        channel: [E] index into `channels`, NONE where not recorded.
        merchant: [E] index into `merchants`, NONE where not recorded.
        categories: the values present, sorted; they differ from view to view.
        channels: likewise.
        merchants: likewise.
    """

    offsets: NDArray[np.int64]
    row: NDArray[np.int64]
    back: NDArray[np.int64]
    month_back: NDArray[np.int64]
    microsecond: NDArray[np.int64]
    hour: NDArray[np.int64]
    amount: NDArray[np.int64]
    debit: NDArray[np.bool_]
    category: NDArray[np.int64]
    channel: NDArray[np.int64]
    merchant: NDArray[np.int64]
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    merchants: tuple[str, ...]

    @cached_property
    def second(self) -> NDArray[np.int64]:
        """Return [E] whole seconds since 1970, local time of the bank."""
        return self.microsecond // 1_000_000

    @cached_property
    def weekend(self) -> NDArray[np.bool_]:
        """Return [E] whether it was a Saturday or a Sunday."""
        return np.greater_equal((self.second // DAY + MONDAY) % WEEK, SATURDAY)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Return [n] events of each customer."""
        return np.diff(self.offsets)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """Return [E] 0, 1, 2 .. within each customer, oldest first."""
        return np.arange(len(self.row)) - self.offsets[self.row]

    @cached_property
    def newest(self) -> NDArray[np.int64]:
        """Return [E] 0, 1, 2 .. within each customer, newest first."""
        return self.offsets[self.row + 1] - 1 - np.arange(len(self.row))

    def within(self, hours: tuple[int, int]) -> NDArray[np.bool_]:
        """Return [E] whether the hour is in [first, last), past midnight if need be."""
        first, last = hours
        from_first, to_last = self.hour >= first, self.hour < last
        return from_first & to_last if first < last else from_first | to_last

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return [n] the chosen events of each customer."""
        return np.bincount(self.row[chosen], minlength=len(self.offsets) - 1)

    def first_of_day(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return [E] the first chosen event of each customer and day."""
        place = np.flatnonzero(chosen)
        row, back = self.row[place], self.back[place]
        fresh = np.ones(len(place), bool)
        fresh[1:] = (row[1:] != row[:-1]) | (back[1:] != back[:-1])
        first = np.zeros(len(chosen), bool)
        first[place[fresh]] = True
        return first

    def category_codes(self, vocabulary: tuple[str, ...] | list[str]) -> NDArray[np.int64]:
        """Return [E] 1 + place in `vocabulary`, 0 where it is not there or not recorded."""
        return _recode(self.category, self.categories, vocabulary)

    def merchant_codes(self, vocabulary: tuple[str, ...] | list[str]) -> NDArray[np.int64]:
        """Return [E] 1 + place in `vocabulary`, 0 where it is not there or not recorded."""
        return _recode(self.merchant, self.merchants, vocabulary)


def _recode(
    codes: NDArray[np.int64], values: tuple[str, ...], vocabulary: tuple[str, ...] | list[str]
) -> NDArray[np.int64]:
    place = {value: number for number, value in enumerate(vocabulary, 1)}
    # The last entry answers for NONE, which indexes from the end.
    table = np.array([*(place.get(value, 0) for value in values), 0], np.int64)
    return table[codes]


def _encoded(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    coded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = NONE
    indices = coded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False).astype(np.int64)
    return rank[indices], tuple(coded.dictionary.take(pa.array(order)).to_pylist())


def _time_order(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Return the places of the events by customer and time, oldest first.

    What tells events of the same moment apart is what they are: the smaller amount first, debits
    before credits, then what is not recorded, then by text from the end of the alphabet. The order
    is total but for twins.
    """
    row, time = columns["row"], columns["microsecond"]
    # Canonical files are sorted; threads of the database leave stretches of them in another order,
    # which a stable sort merges in one pass. What is left are few customers: those with events of
    # one moment, and those whom two stretches share.
    order = np.argsort(row, kind="stable")
    row, time = row[order], time[order]
    loose = (row[1:] == row[:-1]) & (time[1:] <= time[:-1])
    customers = np.zeros(len(row) and row[-1] + 1, bool)
    customers[row[1:][loose]] = True
    place = np.flatnonzero(customers[row])
    events = order[place]
    texts = [
        _unrecorded_first(columns[name][events]) for name in ("merchant", "channel", "category")
    ]
    what = (*texts, ~columns["debit"][events], columns["amount"][events])
    order[place] = events[np.lexsort((*what, time[place], row[place]))]
    return order


def _unrecorded_first(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(codes == NONE, np.iinfo(np.int64).min, -codes)


def event_history(table: pa.Table, rows: int) -> EventHistory:
    """Return the events of a table as `SQL` gives it.

    Args:
        table: columns row, back, month_back, microsecond, hour, amount, debit, category, channel
            and merchant, in any order of rows.
        rows: customers n of the view.
    """
    columns: dict[str, NDArray[Any]] = {
        name: table[name].to_numpy().astype(np.int64)
        for name in ("row", "back", "month_back", "microsecond", "hour", "amount")
    }
    columns["debit"] = table["debit"].to_numpy().astype(bool)
    columns["category"], categories = _encoded(table["category"])
    columns["channel"], channels = _encoded(table["channel"])
    columns["merchant"], merchants = _encoded(table["merchant"])
    order = _time_order(columns)
    moved = np.flatnonzero(order != np.arange(len(order)))
    source = order[moved]
    for values in columns.values():
        values[moved] = values[source]
    counts = np.bincount(columns["row"], minlength=rows)
    return EventHistory(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        **columns,
        categories=categories,
        channels=channels,
        merchants=merchants,
    )
