"""The observed history of customers up to one `as_of`, as arrays, from a simulated block."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from configs.settings.dataset import Catalogue
from configs.settings.months import parse_month, shift
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import Block
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.population import CHANNELS, REGIONS
from training_jobs.data.synthetic.random import Floats, Ints
from training_jobs.data.synthetic.situations import SEGMENTS

LOOKBACK = 12
"""Months of events that a lens may read."""
CREDITS = ("salary", "pension", "transfer_in")
_UNKNOWN = -1


@dataclass(frozen=True)
class Observed:
    """n customers seen at the end of a month, and e card events of the look-back before it.

    Events are sorted by customer and time.

    Attributes:
        customer: [n] customer numbers.
        joined: [n] months since joining.
        age: [n] years.
        gender: [n] 0, 1, -1 unknown.
        income: [n] won, NaN unknown.
        segment: [n] index; like `channel` and `region`.
        held: [n, months, products] holdings at every month end up to `as_of`.
        credits: [n, 12, 3] won received by month (latest last) and kind of `CREDITS`.
        row: [e] row of the customer.
        second: [e] seconds before the end of `as_of`, falling within a customer.
        back: [e] whole months before the month of `as_of`.
        hour: [e] hour of the day.
        amount: [e] won.
        category: [e] index into the bank's categories.
        mobile: [e] whether paid by mobile.
        merchant: [e] merchant number.
        on: [n, mechanisms] ground truth: whether each mechanism is on.
    """

    customer: Ints
    joined: Ints
    age: Floats
    gender: Ints
    income: Floats
    segment: Ints
    channel: Ints
    region: Ints
    held: np.ndarray
    credits: Floats
    row: Ints
    second: Ints
    back: Ints
    hour: Ints
    amount: Floats
    category: Ints
    mobile: np.ndarray
    merchant: Ints
    on: np.ndarray

    @property
    def size(self) -> int:
        """Number of customers n."""
        return len(self.customer)

    def events_within(self, months: int) -> Ints:
        """Return [n], the card events of the latest months."""
        return np.bincount(self.row[self.back < months], minlength=self.size)


def _numbers(column: pa.ChunkedArray) -> Ints:
    """Return customer numbers of ids such as `C0000017`."""
    digits = pc.utf8_slice_codeunits(column, 1)
    return np.asarray(pc.cast(digits, pa.int64()).to_numpy(), np.int64)


def _index(column: pa.ChunkedArray, codes: tuple[str, ...]) -> Ints:
    found = pc.fill_null(pc.index_in(column, value_set=pa.array(codes)), _UNKNOWN)
    return np.asarray(found.to_numpy(), np.int64)


def _month_number(column: pa.ChunkedArray) -> Ints:
    values = column.to_numpy().astype("datetime64[M]").astype(np.int64)
    return np.asarray(values, np.int64)


class History:
    """All observed months of one block; `at` cuts it at an `as_of`."""

    def __init__(self, block: Block, settings: BankSettings, catalogue: Catalogue) -> None:
        """Turn the block's tables into arrays.

        Args:
            block: a simulated block.
            settings: the bank.
            catalogue: its products, in the order of the holdings' columns.
        """
        self._first = parse_month(settings.first_month)
        tables = block.tables
        people = tables["customers"]
        self._ids = _numbers(people["customer_id"])
        self._born = np.asarray(people["birth_year"].to_numpy(), np.float64)
        self._gender = _index(people["gender"], ("F", "M"))
        self._joined = _month_number(people["joined_on"])
        months = tables["customer_months"]
        self._months = {name: months[name] for name in ("segment", "channel", "region", "income")}
        self._months_row = self._rows(months["customer_id"])
        self._months_at = self._at(months["month"])
        holdings = tables["holdings"]
        codes = tuple(product.product for product in catalogue.products)
        self._held = np.zeros((len(self._ids), int(self._months_at.max()) + 1, len(codes)), bool)
        self._held[
            self._rows(holdings["customer_id"]),
            self._at(holdings["month"]),
            _index(holdings["product"], codes),
        ] = True
        self._codes = tuple(category.code for category in settings.categories)
        self._events(tables["transactions"])
        latent = block.truth["latent"]
        number = _numbers(latent["customer_id"])
        known = np.isin(number, self._ids)
        self._on = np.zeros((len(self._ids), self._held.shape[1], len(MECHANISMS)), bool)
        row, at = np.searchsorted(self._ids, number[known]), self._at(latent["month"])[known]
        for place, mechanism in enumerate(MECHANISMS):
            values = np.asarray(latent[f"on_{mechanism.name}"].to_numpy())
            self._on[row, at, place] = values[known]

    def _rows(self, column: pa.ChunkedArray) -> Ints:
        return np.searchsorted(self._ids, _numbers(column)).astype(np.int64)

    def _at(self, column: pa.ChunkedArray) -> Ints:
        first = np.datetime64(self._first, "M").astype(np.int64)
        return _month_number(column) - int(first)

    def _events(self, table: pa.Table) -> None:
        row, stamp = self._rows(table["customer_id"]), table["ts"].to_numpy()
        second = stamp.astype("datetime64[s]").astype(np.int64)
        category = np.asarray(table["category"].to_numpy(zero_copy_only=False), str)
        amount = np.asarray(table["amount"].to_numpy(), np.float64)
        at = self._at(table["ts"])
        credit = pc.equal(table["direction"], "credit").to_numpy()
        self._credits = np.zeros((len(self._ids), self._held.shape[1], len(CREDITS)))
        for place, kind in enumerate(CREDITS):
            chosen = credit & (category == kind)
            np.add.at(self._credits, (row[chosen], at[chosen], place), amount[chosen])
        card = np.flatnonzero(~credit & pc.is_valid(table["merchant"]).to_numpy())
        card = card[np.lexsort((category[card], second[card], row[card]))]
        merchant = pc.fill_null(table["merchant"], "M-1")
        self._row, self._second, self._amount, self._event_at = (
            row[card], second[card], amount[card], at[card],
        )  # fmt: skip
        self._category = _index(table["category"], self._codes)[card]
        self._mobile = pc.equal(table["channel"], "mobile").to_numpy()[card]
        self._merchant = _numbers(merchant)[card]

    def at(self, as_of: int) -> Observed:
        """Return what is seen at the end of observed month `as_of` (1 = the first)."""
        month = as_of - 1
        here = self._months_at == month
        rows = self._months_row[here]
        place = np.full(len(self._ids), -1)
        place[rows] = np.arange(len(rows))
        end = _end_second(shift(self._first, month + 1))
        window = (self._event_at <= month) & (self._event_at > month - LOOKBACK)
        window &= place[self._row] >= 0
        credits = np.zeros((len(rows), LOOKBACK, len(CREDITS)))
        seen = self._credits[rows, max(0, month - LOOKBACK + 1) : month + 1]
        credits[:, LOOKBACK - seen.shape[1] :] = seen
        second = self._second[window]
        absolute = int(np.datetime64(self._first, "M").astype(np.int64)) + month
        snapshot = {name: column.filter(pa.array(here)) for name, column in self._months.items()}
        income = pc.cast(snapshot["income"], pa.float64()).to_numpy(zero_copy_only=False)
        return Observed(
            customer=self._ids[rows],
            joined=absolute - self._joined[rows],
            age=shift(self._first, month).year - self._born[rows],
            gender=self._gender[rows],
            income=np.asarray(income, np.float64),
            segment=_index(snapshot["segment"], SEGMENTS),
            channel=_index(snapshot["channel"], CHANNELS),
            region=_index(snapshot["region"], REGIONS),
            held=self._held[rows, : month + 1],
            credits=credits,
            row=place[self._row[window]],
            second=end - second,
            back=month - self._event_at[window],
            hour=second // 3600 % 24,
            amount=self._amount[window],
            category=self._category[window],
            mobile=self._mobile[window],
            merchant=self._merchant[window],
            on=self._on[rows, month],
        )


def _end_second(month_end: date) -> int:
    """Return the second at which the month before the one of `month_end` is over."""
    start = np.datetime64(month_end.replace(day=1), "s")
    return int(start.astype(np.int64))
