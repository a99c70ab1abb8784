"""Group 3: how the customer transacts over the look-back, fourteen columns."""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.plain import TxnBehaviorParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FixedGenerator, FloatArray
from training_jobs.features.history import NONE, EventHistory
from training_jobs.features.latent.arrays import distinct
from training_jobs.features.registry import GENERATORS

COLUMNS = (
    Column("txn_count", log=True),
    Column("spend_total", log=True),
    Column("credit_total", log=True),
    Column("spend_mean", log=True),
    Column("unique_categories"),
    Column("unique_merchants", log=True),
    Column("unique_channels"),
    Column("night_share"),
    Column("morning_share"),
    Column("afternoon_share"),
    Column("weekend_share"),
    Column("recency_days", log=True),
    Column("active_day_share"),
    Column("spend_variation"),
)

# Money stays integer until the last division: sums of integers do not depend on the order in which
# threads add them up, sums of floats do; and DuckDB's integers do not overflow.
MONEY = """
    WITH monthly AS (
      SELECT row, date_diff('month', CAST(ts AS DATE), $as_of) AS month_back,
        sum(amount) FILTER (direction = 'debit') AS spent,
        count(*) FILTER (direction = 'debit') AS debits,
        sum(amount) FILTER (direction <> 'debit') AS received
      FROM transactions GROUP BY row, month_back
    ), totals AS (
      SELECT row, sum(spent) AS spent, sum(debits) AS debits, sum(received) AS received,
        sum(CAST(spent AS HUGEINT) * spent) AS squares, max(month_back) AS oldest_month
      FROM monthly GROUP BY row
    ), tenure AS (
      SELECT row, CASE WHEN joined_on IS NULL THEN $months ELSE least($months, greatest(
          date_diff('month', joined_on, $as_of), oldest_month
        ) + 1) END AS months
      FROM customers LEFT JOIN totals USING (row)
    )
    SELECT row, coalesce(spent, 0) AS spend_total, coalesce(received, 0) AS credit_total,
      CASE WHEN debits > 0 THEN CAST(spent AS DOUBLE) / debits END AS spend_mean,
      CASE WHEN spent > 0 THEN
        sqrt(CAST(greatest(months * squares - CAST(spent AS HUGEINT) * spent, 0) AS DOUBLE))
        / CAST(spent AS DOUBLE) END AS spend_variation
    FROM customers JOIN tenure USING (row) LEFT JOIN totals USING (row)
"""
AMOUNTS = ("spend_total", "credit_total", "spend_mean", "spend_variation")


@GENERATORS.register("txn_behavior")
class TxnBehavior(FixedGenerator[TxnBehaviorParameters]):
    """Counts, spend, uniques, time-of-day shares, recency, frequency, monetary, stability.

    Without transactions counts and sums are 0, and what has no denominator is missing. The
    variation of monthly spending is over the months since the customer joined (since the first
    transaction, where records of joining are younger), at most the look-back; months without
    spending count as 0.
    """

    declared = COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 14)."""
        del fitted
        money = view.scatter(MONEY, AMOUNTS, as_of=view.as_of, months=self.bank.lookback_months)
        made = {
            **dict(zip(AMOUNTS, money.T, strict=True)),
            **self._counted(view.events, days=view.days),
        }
        return np.column_stack([made[column.name] for column in COLUMNS]).astype(np.float32)

    def _counted(self, events: EventHistory, *, days: int) -> dict[str, NDArray[np.float64]]:
        """Return what is counted; shares and recency are missing where there is no event."""
        number = events.counts.astype(np.float64)
        some = number > 0
        number[~some] = np.nan
        recency = np.full(len(number), np.nan)
        recency[some] = events.back[events.offsets[1:][some] - 1]
        first_of_day = events.first_of_day(np.ones(len(events.row), bool))
        return {
            "txn_count": events.counts.astype(np.float64),
            "unique_categories": _different(events, events.category, len(events.categories)),
            "unique_merchants": _different(events, events.merchant, len(events.merchants)),
            "unique_channels": _different(events, events.channel, len(events.channels)),
            "night_share": events.count(events.within(self.parameters.night)) / number,
            "morning_share": events.count(events.within(self.parameters.morning)) / number,
            "afternoon_share": events.count(events.within(self.parameters.afternoon)) / number,
            "weekend_share": events.count(events.weekend) / number,
            "recency_days": recency,
            "active_day_share": events.count(first_of_day) / days,
        }


def _different(events: EventHistory, codes: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """Return [n] the different codes among each customer's events, NONE left out."""
    recorded = codes != NONE
    keys = distinct(events.row[recorded] * width + codes[recorded])
    return np.bincount(keys // max(width, 1), minlength=len(events.counts)).astype(np.float64)
