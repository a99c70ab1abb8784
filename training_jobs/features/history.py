"""The events of a view as flat arrays, oldest first: read once, shared by every generator."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NONE = -1
"""Code of a category or merchant that is not recorded."""

# What tells two events of the same second apart is what they are; the order is total but for twins.
SQL = """
    SELECT row, back, CAST(date_diff('month', CAST(ts AS DATE), $as_of) AS INTEGER) AS month_back,
      epoch_us(ts) AS microsecond, CAST(hour(ts) AS INTEGER) AS hour, amount,
      direction = 'debit' AS debit, category, channel, merchant
    FROM transactions
    ORDER BY row, ts, amount, direction DESC, category DESC NULLS FIRST,
      channel DESC NULLS FIRST, merchant DESC NULLS FIRST
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


def event_history(table: pa.Table, rows: int) -> EventHistory:
    """Return the events of a table as `SQL` gives it.

    Args:
        table: columns row, back, month_back, microsecond, hour, amount, debit, category, channel
            and merchant, in order.
        rows: customers n of the view.
    """

    def numbers(name: str) -> NDArray[np.int64]:
        values: NDArray[np.int64] = table[name].to_numpy().astype(np.int64)
        return values

    row = numbers("row")
    category, categories = _encoded(table["category"])
    channel, channels = _encoded(table["channel"])
    merchant, merchants = _encoded(table["merchant"])
    return EventHistory(
        offsets=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(np.int64),
        row=row,
        back=numbers("back"),
        month_back=numbers("month_back"),
        microsecond=numbers("microsecond"),
        hour=numbers("hour"),
        amount=numbers("amount"),
        debit=table["debit"].to_numpy().astype(bool),
        category=category,
        channel=channel,
        merchant=merchant,
        categories=categories,
        channels=channels,
        merchants=merchants,
    )
