"""Kinetics, epidemics, routine and interference of the customer's own events; off by default.

Sources: first-order decay and the superposition of doses with one half-life (Gibaldi and Perrier,
Pharmacokinetics, 1982); Kermack and McKendrick (1927), where the categories of one customer are the
population: susceptible before the first use, infected up to the last, then recovered; Cohen and
Felson (1979), routine activity, measured by the entropy of time slots; Song et al., Modelling the
scaling properties of human mobility (2010), preferential return; Born and Wolf, Principles of
Optics, the interference term of superposed waves.
"""

import math

import numpy as np

from configs.settings.generators.own_history import MultidisciplinaryParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FixedGenerator, FloatArray
from training_jobs.features.generators.own_series import (
    DAYS_A_WEEK,
    Floats,
    Ints,
    by_customer,
    known_months,
    last,
    monthly,
    ratio,
    total,
)
from training_jobs.features.history import NONE
from training_jobs.features.registry import GENERATORS

HOURS = 24
ROUNDING = 1e-9
"""Amplitudes of fewer events than this are sums that cancel but for rounding."""
COLUMNS = (
    Column("activity_decay_rate"),
    Column("residual_activity", log=True),
    Column("category_trial_rate"),
    Column("category_abandonment_rate"),
    Column("time_regularity"),
    Column("merchant_return_share"),
    Column("rhythm_interference"),
)


@GENERATORS.register("multidisciplinary")
class Multidisciplinary(FixedGenerator[MultidisciplinaryParameters]):
    """Seven numbers; missing where the customer's history does not define them."""

    declared = COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 7)."""
        del fitted
        columns = [
            self._decay_rate(view),
            self._residual(view),
            *self._epidemic(view),
            self._time_regularity(view),
            _return_share(view),
            self._interference(view),
        ]
        return np.column_stack(columns).astype(np.float32)

    def _decay_rate(self, view: CutView) -> Floats:
        """First-order rate a month: ln(older events / newer events) / months between them.

        Two neighbouring windows of equal length since the customer joined; exact where activity is
        exp(-k t). Negative = growth; missing where a window is empty.
        """
        months = self.bank.lookback_months
        every = np.ones(len(view.events.row), bool)
        counts = monthly(view, months, every.astype(np.int64), every)
        half = known_months(view, months) // 2
        newer = last(half, months)
        older = last(2 * half, months) & ~newer
        before, after = ((counts * chosen).sum(axis=0) for chosen in (older, newer))
        both = (before > 0) & (after > 0)
        rate = np.log(np.where(both, before, 1) / np.where(both, after, 1))
        return ratio(rate, half.astype(np.float64), both)

    def _residual(self, view: CutView) -> Floats:
        """Events, each halved in weight with every half-life since: 0 without events."""
        events = view.events
        weights = 0.5 ** (np.arange(view.days) / self.parameters.half_life_days)
        return by_customer(view, weights[events.back], events.row)

    def _epidemic(self, view: CutView) -> tuple[Floats, Floats]:
        """Return first uses and last uses of categories, a month and category in use.

        A category is in use from its first to its last month in the look-back. One in use in the
        first month known is no trial, one used in the newest month is not abandoned.
        """
        months, events = self.bank.lookback_months, view.events
        kept = events.category != NONE
        number = max(len(events.categories), 1)
        keys, place = np.unique(
            events.row[kept] * number + events.category[kept], return_inverse=True
        )
        rows = keys // number
        first = np.full(len(keys), -1, np.int64)
        newest = np.full(len(keys), months, np.int64)
        np.maximum.at(first, place, events.month_back[kept])
        np.minimum.at(newest, place, events.month_back[kept])
        oldest = known_months(view, months)[rows] - 1

        def added(values: Ints) -> Floats:
            return by_customer(view, values.astype(np.float64), rows)

        # Months in use that have a following month inside the look-back.
        at_risk = added(first - np.maximum(newest, 1) + 1)
        trials = added((first < oldest).astype(np.int64))
        abandoned = added((newest > 0).astype(np.int64))
        some = at_risk > 0
        return ratio(trials, at_risk, some), ratio(abandoned, at_risk, some)

    def _time_regularity(self, view: CutView) -> Floats:
        """1 - entropy of the events over slots of the week / entropy of equal slots."""
        events = view.events
        slots_a_day = HOURS // self.parameters.hours_a_slot
        slots = DAYS_A_WEEK * slots_a_day
        slot = (events.back % DAYS_A_WEEK) * slots_a_day + events.hour // (
            self.parameters.hours_a_slot
        )
        counts = np.zeros((slots, view.rows), np.int64)
        np.add.at(counts, (slot, events.row), 1)
        # Looked up by whole number, so that no value depends on its place in a vectorised call.
        numbers = np.arange(counts.max(initial=0) + 1, dtype=np.float64)
        xlogx = numbers * np.log(np.maximum(numbers, 1.0))
        spread = total(xlogx[counts])
        count = np.maximum(events.counts, 1).astype(np.float64)
        entropy = np.log(count) - spread / count
        return np.where(events.counts > 0, 1 - entropy / math.log(slots), np.nan)

    def _interference(self, view: CutView) -> Floats:
        """Interference of the weekly waves of the categories, over the most there could be.

        Each category has a wave: the sum of its events as unit vectors at their phase in the cycle.
        (|sum|^2 - sum of |.|^2) / ((sum of |.|)^2 - sum of |.|^2): 1 = all in phase, below 0 = the
        rhythms cancel each other. Missing with fewer than two waves.
        """
        events, cycle = view.events, self.parameters.cycle_days
        kept = events.category != NONE
        number = max(len(events.categories), 1)
        keys, place = np.unique(
            events.row[kept] * number + events.category[kept], return_inverse=True
        )
        counts = np.zeros((cycle, len(keys)), np.int64)
        np.add.at(counts, (events.back[kept] % cycle, place), 1)
        angle = 2 * np.pi * np.arange(cycle) / cycle
        across, up = total(counts * np.cos(angle)[:, None]), total(counts * np.sin(angle)[:, None])
        size = np.sqrt(across**2 + up**2)
        rows = keys // number
        own = by_customer(view, size * size, rows)
        most = by_customer(view, size, rows) ** 2 - own
        together = by_customer(view, across, rows) ** 2 + by_customer(view, up, rows) ** 2
        waves = by_customer(view, (size > ROUNDING).astype(np.float64), rows)
        return ratio(together - own, most, waves > 1)


def _return_share(view: CutView) -> Floats:
    """Share of the events with a merchant that went to one visited before in the look-back."""
    events = view.events
    kept = events.merchant != NONE
    number = max(len(events.merchants), 1)
    distinct = np.unique(events.row[kept] * number + events.merchant[kept]) // number
    visits = np.bincount(events.row[kept], minlength=view.rows)
    merchants = np.bincount(distinct, minlength=view.rows)
    return ratio((visits - merchants).astype(np.float64), visits.astype(np.float64), visits > 0)
