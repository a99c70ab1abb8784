"""Labels from the categories of transactions: the next one, a shift of the top, diversity."""

from configs.settings.tasks import DistinctTrend, NextCategory, TopCategoryShift
from training_jobs.data.engine import text
from training_jobs.tasks.base import Derivation, Setting, derives

AFTER = "ts >= spine.as_of + INTERVAL 1 DAY AND ts < spine.label_end + INTERVAL 1 DAY"
"""The label window: from the day after `as_of` to the whole day of `label_end`."""
BEFORE = "ts >= spine.before_start + INTERVAL 1 DAY AND ts < spine.as_of + INTERVAL 1 DAY"
"""The equal window that ends with the whole day of `as_of`."""


def window_sql(window: str) -> str:
    """Return a SELECT of counts by category in a window, most frequent first.

    Columns: `customer_id`, `as_of`, `category`, `n`, `place` (1 = top; ties: most recent, then
    by code), only for examples with events.
    """
    return f"""
        SELECT customer_id, as_of, category, n, row_number() OVER (
          PARTITION BY customer_id, as_of ORDER BY n DESC, latest DESC, category) AS place
        FROM (
          SELECT spine.customer_id, spine.as_of, category, count(*) AS n, max(ts) AS latest
          FROM spine JOIN events ON events.customer_id = spine.customer_id AND {window}
          GROUP BY ALL
        )
    """


def _both(min_events: int, value: str) -> str:
    """Return a SELECT of `value` where both windows have enough events, NULL elsewhere."""
    return f"""
        WITH before AS (
          SELECT customer_id, as_of, sum(n) AS events, count(*) AS distinct_,
            any_value(category) FILTER (place = 1) AS top
          FROM ({window_sql(BEFORE)}) GROUP BY ALL
        ), after AS (
          SELECT customer_id, as_of, sum(n) AS events, count(*) AS distinct_,
            any_value(category) FILTER (place = 1) AS top
          FROM ({window_sql(AFTER)}) GROUP BY ALL
        )
        SELECT spine.customer_id, spine.as_of,
          CASE WHEN before.events >= {min_events} AND after.events >= {min_events}
            THEN CAST({value} AS DOUBLE) END AS y
        FROM spine
        LEFT JOIN before ON before.customer_id = spine.customer_id
          AND before.as_of = spine.as_of
        LEFT JOIN after ON after.customer_id = spine.customer_id AND after.as_of = spine.as_of
    """


@derives(NextCategory)
class NextCategoryDerivation(Derivation[NextCategory]):
    """Category of the first transaction of the window.

    The classes are the most frequent categories up to the fit cut-off and one for the others.
    Transactions with equal stamps are ordered by category, so the label is well defined.
    """

    requires = ("transactions",)

    def classes(self, rule: NextCategory, setting: Setting) -> tuple[str, ...]:
        """See the base class."""
        return (*setting.fit.categories[: rule.top], rule.other_label)

    def sql(self, rule: NextCategory, setting: Setting) -> str:
        """See the base class."""
        top = setting.fit.categories[: rule.top]
        cases = " ".join(f"WHEN {text(code)} THEN {place}" for place, code in enumerate(top))
        number = f"CASE category {cases} ELSE {len(top)} END" if cases else "0"
        return f"""
            WITH ranked AS (
              SELECT spine.customer_id, spine.as_of, category, row_number() OVER (
                PARTITION BY spine.customer_id, spine.as_of ORDER BY ts, category) AS place
              FROM spine JOIN events ON events.customer_id = spine.customer_id AND {AFTER}
            )
            SELECT spine.customer_id, spine.as_of,
              CASE WHEN category IS NOT NULL THEN CAST({number} AS DOUBLE) END AS y
            FROM spine LEFT JOIN ranked ON ranked.customer_id = spine.customer_id
              AND ranked.as_of = spine.as_of AND place = 1
        """


@derives(TopCategoryShift)
class TopCategoryShiftDerivation(Derivation[TopCategoryShift]):
    """Whether the most frequent category differs from that of the window before."""

    requires = ("transactions",)

    def sql(self, rule: TopCategoryShift, setting: Setting) -> str:
        """See the base class."""
        del setting
        return _both(rule.min_events, "after.top <> before.top")


@derives(DistinctTrend)
class DistinctTrendDerivation(Derivation[DistinctTrend]):
    """Relative change of the number of distinct categories."""

    requires = ("transactions",)

    def sql(self, rule: DistinctTrend, setting: Setting) -> str:
        """See the base class."""
        del setting
        return _both(rule.min_events, "(after.distinct_ - before.distinct_) / before.distinct_")
