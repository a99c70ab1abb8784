"""The customer as a household: consumption, income and what the money goes to; off by default.

Sources: Keynes, General Theory (1936), propensity to consume; Engel (1857) and the Working-Leser
form of his curve (Working 1943, Leser 1963); Hirschman (1945) and Herfindahl (1950),
concentration; Deaton, Understanding Consumption (1992), smoothness. Credits stand for income and
debits for consumption: what passes other banks or hands in cash is not seen.
"""

import numpy as np

from configs.settings.generators.own_history import EconomicsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FixedGenerator, FloatArray
from training_jobs.features.generators.own_series import (
    Floats,
    Ints,
    Mask,
    by_customer,
    centred,
    deviations,
    known_months,
    last,
    monthly,
    ratio,
    total,
)
from training_jobs.features.history import NONE
from training_jobs.features.registry import GENERATORS

COLUMNS = (
    Column("consumption_propensity", log=True),
    Column("income_elasticity", log=True),
    Column("savings_ratio", log=True),
    Column("consumption_smoothness", log=True),
    Column("engel_food_share"),
    Column("engel_slope"),
    Column("spend_concentration"),
)


@GENERATORS.register("economics")
class Economics(FixedGenerator[EconomicsParameters]):
    """Seven numbers of monthly credits and debits; missing where a denominator is."""

    declared = COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 7)."""
        del fitted
        months, events = self.bank.lookback_months, view.events
        food = events.category_codes(self.parameters.food_categories) > 0
        spent = monthly(view, months, events.amount, events.debit)
        received = monthly(view, months, events.amount, ~events.debit)
        on_food = monthly(view, months, events.amount, events.debit & food)
        within = last(known_months(view, months), months)
        sum_spent, sum_received, sum_food = (
            series.sum(axis=0).astype(np.float64) for series in (spent, received, on_food)
        )
        everyone = np.ones(view.rows, bool)
        columns = [
            self._propensity(spent, received, within),
            self._slope(_logs(received), _logs(spent), (spent > 0) & (received > 0) & within),
            ratio(sum_received - sum_spent, sum_received, everyone),
            self._smoothness(spent, received, within),
            ratio(sum_food, sum_spent, everyone),
            self._slope(_logs(spent), on_food / np.maximum(spent, 1), (spent > 0) & within),
            _concentration(view),
        ]
        return np.column_stack(columns).astype(np.float32)

    def _propensity(self, spent: Ints, received: Ints, within: Mask) -> Floats:
        """Marginal propensity to consume: slope of monthly debits on monthly credits."""
        income, outlay = deviations(received, within), deviations(spent, within)
        enough = within.sum(axis=0) >= self.parameters.least_months
        return ratio(total(income * outlay), total(income * income), enough)

    def _smoothness(self, spent: Ints, received: Ints, within: Mask) -> Floats:
        """Variation of monthly debits over that of monthly credits; below 1 = smoothed."""

        def variation(series: Ints) -> Floats:
            off = deviations(series, within)
            added = np.where(within, series, 0).sum(axis=0).astype(np.float64)
            return ratio(np.sqrt(total(off * off)), added, added > 0)

        enough = within.sum(axis=0) >= self.parameters.least_months
        below = variation(received)
        known = enough & np.isfinite(below)
        return ratio(variation(spent), np.where(known, below, 0.0), known)

    def _slope(self, across: Floats, up: Floats, within: Mask) -> Floats:
        """Least-squares slope of `up` on `across` over the months inside the mask."""
        steps = centred(across, within)
        spread = total(steps * steps)
        enough = within.sum(axis=0) >= self.parameters.least_months
        # Equal months leave rounding behind, not a spread.
        varies = np.where(within, across, -np.inf).max(axis=0) > np.where(
            within, across, np.inf
        ).min(axis=0)
        return ratio(total(steps * centred(up, within)), spread, enough & varies)


def _logs(series: Ints) -> Floats:
    return np.asarray(np.log(np.maximum(series, 1).astype(np.float64)), np.float64)


def _concentration(view: CutView) -> Floats:
    """Sum of the squared shares of categories in the spending whose category is recorded."""
    events = view.events
    kept = events.debit & (events.category != NONE)
    number = max(len(events.categories), 1)
    keys, place = np.unique(events.row[kept] * number + events.category[kept], return_inverse=True)
    amounts = np.zeros(len(keys), np.int64)
    np.add.at(amounts, place, events.amount[kept])
    rows = keys // number
    spent = np.zeros(view.rows, np.int64)
    np.add.at(spent, rows, amounts)
    share = amounts / spent[rows]
    return np.where(spent > 0, by_customer(view, share * share, rows), np.nan)
