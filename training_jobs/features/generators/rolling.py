"""Group 15: statistics of amounts over windows of days that end with `as_of`, in DuckDB alone."""

from configs.settings.generators.plain import RollingStatsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS

STATISTICS = ("sum", "mean", "sd", "count", "days")

# One row a customer and day first: every window then adds up days, and counts them.
DAYS = """
    SELECT row, back, sum(CAST(amount AS HUGEINT)) AS s, count(*) AS n,
      sum(CAST(amount AS HUGEINT) * amount) AS q
    FROM transactions WHERE direction = $direction AND back < $longest GROUP BY row, back
"""
SUMS = """
      sum(s) FILTER (back < {days}) AS s{days}, sum(n) FILTER (back < {days}) AS n{days},
      sum(q) FILTER (back < {days}) AS q{days}, count(*) FILTER (back < {days}) AS d{days}"""
WINDOW = """
      CAST(coalesce(s{days}, 0) AS DOUBLE) AS spend_sum_{days}d,
      CAST(s{days} AS DOUBLE) / n{days} AS spend_mean_{days}d,
      CASE WHEN n{days} > 1 THEN
        sqrt(CAST(n{days} * q{days} - s{days} * s{days} AS DOUBLE)
          / (CAST(n{days} AS DOUBLE) * (n{days} - 1))) END AS spend_sd_{days}d,
      CAST(coalesce(n{days}, 0) AS DOUBLE) AS spend_count_{days}d,
      coalesce(d{days}, 0) AS spend_days_{days}d"""


@GENERATORS.register("txn_rolling_stats")
class RollingStats(Generator[RollingStatsParameters]):
    """Sum, mean, sample deviation, count and active days a window.

    A window of d days is the last d calendar days, `as_of` included. No event: sum, count and days
    are 0, mean missing; under two events the deviation is missing.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare five columns a window."""
        del fitted
        return tuple(
            Column(f"spend_{statistic}_{days}d", log=statistic in ("sum", "mean", "sd", "count"))
            for days in self.parameters.days
            for statistic in STATISTICS
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 5 x windows)."""
        sums = ",".join(SUMS.format(days=days) for days in self.parameters.days)
        windows = ",".join(WINDOW.format(days=days) for days in self.parameters.days)
        sql = f"""
            WITH days AS ({DAYS}), sums AS (SELECT row,{sums} FROM days GROUP BY row)
            SELECT row,{windows} FROM customers LEFT JOIN sums USING (row)"""
        values = view.scatter(
            sql,
            [column.name for column in self.columns(fitted)],
            direction=self.parameters.direction,
            longest=self.parameters.days[-1],
        )
        return values.astype("float32")
