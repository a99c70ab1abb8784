"""The purchases of a window, and what a category usually costs.

A purchase of 50 is large for coffee and small for fuel. What oscillates in a customer's spending is
the amount beside the usual one, so the sequence that is embedded is log(amount) minus the mean log
amount of the category in the fit sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.topology import Topology
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted
from training_jobs.features.history import NONE, EventHistory

MICRO = 1e6
"""Logarithms are kept as integer millionths: sums do not depend on their order, ties are exact."""


@dataclass(frozen=True)
class Levels:
    """What is learnt.

    Attributes:
        at_merchants: whether the bank records merchants. Then only events at a merchant are
            purchases: standing orders fall on their day of the month and break the sequence.
        categories: categories with a level of their own, sorted.
        levels: mean log amount in millionths: overall, then of each category.
    """

    at_merchants: bool
    categories: tuple[str, ...]
    levels: tuple[int, ...]

    @classmethod
    def of(cls, fitted: Fitted) -> "Levels":
        """Return what `learn_levels` put into `fitted`."""
        values = fitted.values
        return cls(values["at_merchants"], tuple(values["categories"]), tuple(values["levels"]))


def learn_levels(view: CutView, topology: Topology) -> Fitted:
    """Learn what `Levels` holds. The order of the customers does not matter."""
    events = view.events
    spent = is_spending(events, topology)
    at_merchants = bool((spent & _at_merchant(events)).any())
    if at_merchants:
        spent = spent & _at_merchant(events)
    logs = _micro_logs(events.amount[spent])
    # Place 0 takes the events without a category. Sums of integers are exact in float64 up to 2^53.
    codes = events.category_codes(events.categories)[spent]
    counts = np.bincount(codes, minlength=len(events.categories) + 1)
    sums = np.bincount(codes, logs, minlength=len(events.categories) + 1)
    overall = round(float(logs.sum()) / len(logs)) if len(logs) else 0
    known = [place for place in range(1, len(counts)) if counts[place] >= topology.category_events]
    return Fitted(
        {
            "at_merchants": at_merchants,
            "categories": [events.categories[place - 1] for place in known],
            "levels": [
                overall,
                *(round(float(sums[place]) / int(counts[place])) for place in known),
            ],
        }
    )


def is_spending(events: EventHistory, topology: Topology) -> NDArray[np.bool_]:
    """Return [E] whether an event is in the direction of spending."""
    return events.debit if topology.direction == "debit" else ~events.debit


def _at_merchant(events: EventHistory) -> NDArray[np.bool_]:
    return np.not_equal(events.merchant, NONE)


def _micro_logs(amounts: NDArray[np.int64]) -> NDArray[np.int64]:
    logs: NDArray[np.int64] = np.rint(np.log(amounts.astype(np.float64)) * MICRO).astype(np.int64)
    return logs


@dataclass(frozen=True)
class Purchases:
    """Purchases of a window, sorted by customer and time.

    Attributes:
        offsets: [n + 1] those of row i are from offsets[i] up to offsets[i + 1].
        row: [E] index of the customer.
        excess: [E] log amount beside the level of the category, in millionths.
    """

    offsets: NDArray[np.int64]
    row: NDArray[np.int64]
    excess: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return [n] purchases of each customer."""
        return np.diff(self.offsets)


def purchases(view: CutView, *, months: int, topology: Topology, levels: Levels) -> Purchases:
    """Return the purchases of the last `months` calendar months."""
    events = view.events
    chosen = is_spending(events, topology) & (events.month_back < months)
    if levels.at_merchants:
        chosen &= _at_merchant(events)
    row = events.row[chosen]
    usual = np.array(levels.levels)[events.category_codes(levels.categories)[chosen]]
    return Purchases(
        offsets=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=view.rows))]),
        row=row,
        excess=_micro_logs(events.amount[chosen]) - usual,
    )
