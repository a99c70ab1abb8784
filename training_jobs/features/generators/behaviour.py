"""Group 3: how the customer transacts over the look-back, fourteen columns."""

from configs.settings.generators.plain import TxnBehaviorParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
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
# threads add them up, sums of floats do.
SQL = """
    WITH events AS (
      SELECT t.row, t.back, t.amount, t.direction = 'debit' AS debit, t.category, t.merchant,
        t.channel, hour(t.ts) AS hour, isodow(t.ts) >= 6 AS weekend,
        date_diff('month', CAST(t.ts AS DATE), $as_of) AS month_back
      FROM transactions t
    ), totals AS (
      SELECT row, count(*) AS txn_count,
        sum(amount) FILTER (debit) AS spent, count(*) FILTER (debit) AS debits,
        sum(amount) FILTER (NOT debit) AS received,
        count(DISTINCT category) AS unique_categories,
        count(DISTINCT merchant) AS unique_merchants,
        count(DISTINCT channel) AS unique_channels,
        count(DISTINCT back) AS active_days,
        count(*) FILTER ({night}) AS nights,
        count(*) FILTER ({morning}) AS mornings,
        count(*) FILTER ({afternoon}) AS afternoons,
        count(*) FILTER (weekend) AS weekends,
        min(back) AS recency_days, max(month_back) AS oldest_month
      FROM events GROUP BY row
    ), monthly AS (
      SELECT row, sum(amount) AS spent FROM events WHERE debit GROUP BY row, month_back
    ), squares AS (
      SELECT row, sum(CAST(spent AS HUGEINT) * spent) AS squares FROM monthly GROUP BY row
    ), tenure AS (
      SELECT row, CASE WHEN joined_on IS NULL THEN $months ELSE least($months, greatest(
          date_diff('month', joined_on, $as_of), oldest_month
        ) + 1) END AS months
      FROM customers LEFT JOIN totals USING (row)
    )
    SELECT row, coalesce(txn_count, 0) AS txn_count,
      coalesce(spent, 0) AS spend_total,
      coalesce(received, 0) AS credit_total,
      CAST(spent AS DOUBLE) / debits AS spend_mean,
      coalesce(unique_categories, 0) AS unique_categories,
      coalesce(unique_merchants, 0) AS unique_merchants,
      coalesce(unique_channels, 0) AS unique_channels,
      nights / CAST(txn_count AS DOUBLE) AS night_share,
      mornings / CAST(txn_count AS DOUBLE) AS morning_share,
      afternoons / CAST(txn_count AS DOUBLE) AS afternoon_share,
      weekends / CAST(txn_count AS DOUBLE) AS weekend_share,
      recency_days,
      coalesce(active_days, 0) / CAST($days AS DOUBLE) AS active_day_share,
      CASE WHEN spent > 0 THEN
        sqrt(CAST(greatest(months * squares - CAST(spent AS HUGEINT) * spent, 0) AS DOUBLE))
        / CAST(spent AS DOUBLE) END AS spend_variation
    FROM customers JOIN tenure USING (row)
      LEFT JOIN totals USING (row) LEFT JOIN squares USING (row)
"""


def _within(hours: tuple[int, int]) -> str:
    """Return the SQL condition of `first <= hour < last`, past midnight if need be."""
    first, last = hours
    joined = "AND" if first < last else "OR"
    return f"hour >= {first} {joined} hour < {last}"


@GENERATORS.register("txn_behavior")
class TxnBehavior(Generator[TxnBehaviorParameters]):
    """Counts, spend, uniques, time-of-day shares, recency, frequency, monetary, stability.

    Without transactions counts and sums are 0, and what has no denominator is missing. The
    variation of monthly spending is over the months since the customer joined (since the first
    transaction, where records of joining are younger), at most the look-back; months without
    spending count as 0.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the fourteen columns."""
        del fitted
        return COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 14)."""
        del fitted
        sql = SQL.format(
            night=_within(self.parameters.night),
            morning=_within(self.parameters.morning),
            afternoon=_within(self.parameters.afternoon),
        )
        values = view.scatter(
            sql,
            [column.name for column in COLUMNS],
            as_of=view.as_of,
            months=self.bank.lookback_months,
            days=view.days,
        )
        return values.astype("float32")
