"""Rhythm of the customer's own events: bursts, cycles, memory and trend; off by default.

Sources: Goh and Barabasi, Burstiness and memory in complex systems (2008); Mardia and Jupp,
Directional Statistics (2000), mean resultant length; Mann (1945) and Kendall (1975), the trend
test. Energies are shares of the spectrum of events a day, its mean removed (Parseval).
"""

import numpy as np

from configs.settings.generators.own_history import TemporalParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FixedGenerator, FloatArray
from training_jobs.features.generators.own_series import (
    DAYS_A_WEEK,
    Floats,
    Ints,
    by_customer,
    daily_counts,
    deviations,
    known_days,
    known_months,
    last,
    monthly,
    ratio,
    total,
)
from training_jobs.features.registry import GENERATORS

HOURS = 24
COLUMNS = (
    Column("event_burstiness"),
    Column("event_memory"),
    Column("week_energy"),
    Column("month_energy"),
    Column("week_autocorrelation"),
    Column("hour_concentration"),
    Column("spend_trend"),
    Column("spend_trend_consistency"),
)


@GENERATORS.register("temporal")
class Temporal(FixedGenerator[TemporalParameters]):
    """Eight numbers; missing where the customer's history is too short to define them."""

    declared = COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 8)."""
        del fitted
        counts = daily_counts(view, view.days)
        days = known_days(view)
        columns = [
            *self._gaps(view),
            _week_energy(counts, days),
            self._month_energy(view, counts, days),
            _week_autocorrelation(counts, days),
            _hours(view),
            *self._trend(view),
        ]
        return np.column_stack(columns).astype(np.float32)

    def _gaps(self, view: CutView) -> tuple[Floats, Floats]:
        """Return burstiness (sd - mean) / (sd + mean) of the gaps, and their memory.

        Memory is the correlation of a gap with the next one.
        """
        events = view.events
        inner = events.place[1:] > 0
        rows, gaps = events.row[1:][inner], np.diff(events.second)[inner].astype(np.float64)
        number = np.maximum(events.counts - 1, 0)
        mean = by_customer(view, gaps, rows) / np.maximum(number, 1)
        off = gaps - mean[rows]
        sd = np.sqrt(by_customer(view, off * off, rows) / np.maximum(number, 1))
        enough = number >= self.parameters.least_gaps
        burstiness = ratio(sd - mean, sd + mean, enough)

        paired = rows[1:] == rows[:-1]
        owner, first, second = rows[1:][paired], gaps[:-1][paired], gaps[1:][paired]
        pairs = np.maximum(number - 1, 1)
        first = first - (by_customer(view, first, owner) / pairs)[owner]
        second = second - (by_customer(view, second, owner) / pairs)[owner]
        spread = by_customer(view, first * first, owner) * by_customer(view, second * second, owner)
        memory = ratio(by_customer(view, first * second, owner), np.sqrt(spread), enough)
        return burstiness, memory

    def _month_energy(self, view: CutView, counts: Ints, days: Ints) -> Floats:
        """Share of the spectrum at the monthly frequency and its harmonics, of a whole year."""
        months = self.bank.lookback_months
        power = np.zeros(view.rows)
        for harmonic in range(1, self.parameters.month_harmonics + 1):
            angle = 2 * np.pi * harmonic * months * np.arange(view.days) / view.days
            for wave in (np.cos(angle), np.sin(angle)):
                power = power + total(counts * wave[:, None]) ** 2
        whole = view.days * (counts**2).sum(axis=0) - counts.sum(axis=0) ** 2
        return ratio(2 * power, whole.astype(np.float64), days == view.days)

    def _trend(self, view: CutView) -> tuple[Floats, Floats]:
        """Return the slope of monthly spending over its mean, and Kendall's tau with time."""
        months = self.bank.lookback_months
        spent = monthly(view, months, view.events.amount, view.events.debit)
        known = known_months(view, months)
        enough = (known >= self.parameters.least_months) & (spent.sum(axis=0) > 0)
        within = last(known, months)
        time = np.broadcast_to(np.arange(months)[:, None], spent.shape)
        steps = deviations(time, within)
        mean = np.where(within, spent, 0).sum(axis=0) / np.maximum(known, 1)
        slope = ratio(total(steps * spent) * known, total(steps * steps), enough)
        rises = np.zeros(view.rows, np.int64)
        for late in range(1, months):
            for early in range(late):
                rises += within[early] * np.sign(spent[late] - spent[early])
        pairs = (known * (known - 1) // 2).astype(np.float64)
        return ratio(slope, mean, enough), ratio(rises.astype(np.float64), pairs, enough)


def _week_energy(counts: Ints, days: Ints) -> Floats:
    """Share of the spectrum at 1, 2 and 3 cycles a week, of the last whole weeks.

    Over whole weeks these frequencies carry exactly what the day of the week explains, so the share
    is the correlation ratio of events a day on the weekday, in whole numbers.
    """
    weeks = days // DAYS_A_WEEK
    kept = np.where(last(weeks * DAYS_A_WEEK, len(counts)), counts, 0)
    # The last day is in residue class 0 for everyone: classes are weekdays.
    newest = kept[::-1]
    between = np.zeros(counts.shape[1], np.int64)
    for day in range(DAYS_A_WEEK):
        between += newest[day::DAYS_A_WEEK].sum(axis=0) ** 2
    square = kept.sum(axis=0) ** 2
    explained = (DAYS_A_WEEK * between - square).astype(np.float64)
    whole = (weeks * DAYS_A_WEEK * (kept**2).sum(axis=0) - square).astype(np.float64)
    return ratio(explained, whole, weeks > 1)


def _week_autocorrelation(counts: Ints, days: Ints) -> Floats:
    """Autocorrelation of events a day at a lag of seven days, since the customer joined."""
    within = last(days, len(counts))
    off = deviations(counts, within)
    above = total(off[DAYS_A_WEEK:] * off[:-DAYS_A_WEEK])
    return ratio(above, total(off * off), days > 2 * DAYS_A_WEEK)


def _hours(view: CutView) -> Floats:
    """Mean resultant length of the hours on the circle of the day: 1 = always the same hour."""
    events = view.events
    hours = np.zeros((HOURS, view.rows), np.int64)
    np.add.at(hours, (events.hour, events.row), 1)
    angle = 2 * np.pi * np.arange(HOURS) / HOURS
    across, up = total(hours * np.cos(angle)[:, None]), total(hours * np.sin(angle)[:, None])
    count = events.counts.astype(np.float64)
    return ratio(np.sqrt(across**2 + up**2), count, events.counts > 0)
