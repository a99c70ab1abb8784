"""Group 15: statistics of amounts over windows of days that end with `as_of`."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.plain import RollingStatsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.history import EventHistory
from training_jobs.features.registry import GENERATORS

SUMMED = ("sum", "mean", "sd", "count")
STATISTICS = (*SUMMED, "days")

# One row a customer and part first, the parts being what a window adds to the next shorter one:
# every window then adds up few rows. Sums of integers, see `behaviour`.
PARTS = """
    SELECT row, {part} AS part, sum(CAST(amount AS HUGEINT)) AS s, count(*) AS n,
      sum(CAST(amount AS HUGEINT) * amount) AS q
    FROM transactions WHERE direction = $direction AND back < $longest GROUP BY row, part
"""
SUMS = """
      sum(s) FILTER (part < {days}) AS s{days}, sum(n) FILTER (part < {days}) AS n{days},
      sum(q) FILTER (part < {days}) AS q{days}"""
WINDOW = """
      CAST(coalesce(s{days}, 0) AS DOUBLE) AS spend_sum_{days}d,
      CAST(s{days} AS DOUBLE) / n{days} AS spend_mean_{days}d,
      CASE WHEN n{days} > 1 THEN
        sqrt(CAST(n{days} * q{days} - s{days} * s{days} AS DOUBLE)
          / (CAST(n{days} AS DOUBLE) * (n{days} - 1))) END AS spend_sd_{days}d,
      CAST(coalesce(n{days}, 0) AS DOUBLE) AS spend_count_{days}d"""


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
            Column(f"spend_{statistic}_{days}d", log=statistic in SUMMED)
            for days in self.parameters.days
            for statistic in STATISTICS
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 5 x windows)."""
        del fitted
        windows = self.parameters.days
        # The first day of a part stands for it.
        bounds = pairwise((0, *windows))
        part = " ".join(f"WHEN back < {last} THEN {first}" for first, last in bounds)
        sums = ",".join(SUMS.format(days=days) for days in windows)
        chosen = ",".join(WINDOW.format(days=days) for days in windows)
        sql = f"""
            WITH parts AS ({PARTS.format(part=f"CASE {part} END")}),
              sums AS (SELECT row,{sums} FROM parts GROUP BY row)
            SELECT row,{chosen} FROM customers LEFT JOIN sums USING (row)"""
        money = view.scatter(
            sql,
            [f"spend_{statistic}_{days}d" for days in windows for statistic in SUMMED],
            direction=self.parameters.direction,
            longest=windows[-1],
        )
        values = np.empty((view.rows, len(windows), len(STATISTICS)), np.float32)
        values[:, :, : len(SUMMED)] = money.reshape(view.rows, len(windows), len(SUMMED))
        values[:, :, len(SUMMED)] = self._days(view.events)
        return values.reshape(view.rows, -1)

    def _days(self, events: EventHistory) -> NDArray[np.int64]:
        """Return the days with an event, shape (rows, windows)."""
        first = events.first_of_day(events.debit == (self.parameters.direction == "debit"))
        counts = [events.count(first & (events.back < days)) for days in self.parameters.days]
        return np.column_stack(counts)
