"""Labels from monthly holdings: churn, stability, acquisitions."""

from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.tasks import (
    AcquiredAny,
    AcquiredCount,
    CountDrop,
    CountStability,
    FirstGroup,
)
from training_jobs.absence import Off
from training_jobs.data.engine import text
from training_jobs.tasks.base import Derivation, Setting, derives

_PRODUCT_COUNTS = (
    "SELECT customer_id, month, count(*) AS n FROM holdings GROUP BY customer_id, month"
)
_EVENT_COUNTS = (
    "SELECT customer_id, CAST(last_day(ts) AS DATE) AS month, count(*) AS n FROM transactions "
    "GROUP BY ALL"
)
# A product is acquired when it is held at a month end of the window and not at `as_of`.
_ACQUIRED = (
    "SELECT spine.customer_id, spine.as_of, holdings.product, min(holdings.month) AS first "
    "FROM spine JOIN holdings ON holdings.customer_id = spine.customer_id "
    "AND holdings.month > spine.as_of AND holdings.month <= spine.label_end "
    "WHERE NOT EXISTS (SELECT 1 FROM holdings AS owned "
    "WHERE owned.customer_id = spine.customer_id AND owned.month = spine.as_of "
    "AND owned.product = holdings.product) "
    "GROUP BY ALL"
)


def _groups(dataset: DatasetSettings) -> list[str]:
    catalogue = dataset.catalogue or Catalogue(groups=(), products=())
    return [group.group for group in catalogue.groups]


@derives(CountDrop)
class CountDropDerivation(Derivation[CountDrop]):
    """Churn: the last count of the window against the mean of the months up to `as_of`.

    Counts products; where the data set has no holdings, transactions a month. Masked for those
    who hold nothing at `as_of` (who had no transaction in the prior months).
    """

    def unmet(self, rule: CountDrop, dataset: DatasetSettings) -> Off | None:
        """See the base class."""
        del rule
        if "holdings" in dataset.tables or "transactions" in dataset.tables:
            return None
        return Off(
            "the data set has neither holdings nor transactions",
            "supply either and add it to tables in the data set's YAML",
        )

    def sql(self, rule: CountDrop, setting: Setting) -> str:
        """See the base class."""
        products = "holdings" in setting.dataset.tables
        alive = "now > 0" if products else "prior > 0"
        return f"""
            WITH counts AS ({_PRODUCT_COUNTS if products else _EVENT_COUNTS}), seen AS (
              SELECT spine.customer_id, spine.as_of,
                coalesce(sum(n) FILTER (month <= spine.as_of), 0)
                  / least({rule.prior_months}, any_value(spine.observed)) AS prior,
                coalesce(sum(n) FILTER (month = spine.as_of), 0) AS now,
                coalesce(sum(n) FILTER (month = spine.label_end), 0) AS later
              FROM spine LEFT JOIN counts ON counts.customer_id = spine.customer_id
                AND month > last_day(spine.as_of - INTERVAL {rule.prior_months} MONTH)
                AND month <= spine.label_end
              GROUP BY ALL
            )
            SELECT customer_id, as_of,
              CASE WHEN {alive} THEN CAST(later < {rule.ratio} * prior AS DOUBLE) END AS y
            FROM seen
        """


@derives(CountStability)
class CountStabilityDerivation(Derivation[CountStability]):
    """1 - standard deviation / mean (ddof 0, not below 0) of the count at each month end."""

    requires = ("holdings",)

    def sql(self, rule: CountStability, setting: Setting) -> str:
        """See the base class."""
        del rule
        points = setting.dataset.horizon_months + 1
        # From integer sums, so that the value does not depend on the order of addition.
        return f"""
            WITH counts AS ({_PRODUCT_COUNTS}), sums AS (
              SELECT spine.customer_id, spine.as_of,
                CAST(coalesce(sum(n), 0) AS DOUBLE) AS total,
                CAST(coalesce(sum(n * n), 0) AS DOUBLE) AS squares
              FROM spine LEFT JOIN counts ON counts.customer_id = spine.customer_id
                AND month >= spine.as_of AND month <= spine.label_end
              GROUP BY ALL
            )
            SELECT customer_id, as_of, CASE WHEN total > 0 THEN
              greatest(0, 1 - sqrt(greatest(0, {points} * squares - total * total)) / total)
              END AS y
            FROM sums
        """


@derives(FirstGroup)
class FirstGroupDerivation(Derivation[FirstGroup]):
    """Group of the first product acquired; ties within a month by catalogue order."""

    requires = ("holdings",)

    def classes(self, rule: FirstGroup, setting: Setting) -> tuple[str, ...]:
        """See the base class."""
        return (rule.none_label, *_groups(setting.dataset))

    def sql(self, rule: FirstGroup, setting: Setting) -> str:
        """See the base class."""
        del rule
        number = " ".join(
            f"WHEN {text(group)} THEN {place}"
            for place, group in enumerate(_groups(setting.dataset), 1)
        )
        return f"""
            WITH acquired AS ({_ACQUIRED}), ranked AS (
              SELECT acquired.customer_id, acquired.as_of, products."group" AS product_group,
                row_number() OVER (PARTITION BY acquired.customer_id, acquired.as_of
                  ORDER BY first, position) AS place
              FROM acquired JOIN products ON products.product = acquired.product
            )
            SELECT spine.customer_id, spine.as_of,
              CAST(CASE product_group {number} ELSE 0 END AS DOUBLE) AS y
            FROM spine LEFT JOIN ranked ON ranked.customer_id = spine.customer_id
              AND ranked.as_of = spine.as_of AND place = 1
        """


@derives(AcquiredCount)
class AcquiredCountDerivation(Derivation[AcquiredCount]):
    """Number of distinct products acquired."""

    requires = ("holdings",)

    def sql(self, rule: AcquiredCount, setting: Setting) -> str:
        """See the base class."""
        del rule, setting
        return f"""
            WITH acquired AS ({_ACQUIRED})
            SELECT spine.customer_id, spine.as_of, CAST(count(product) AS DOUBLE) AS y
            FROM spine LEFT JOIN acquired ON acquired.customer_id = spine.customer_id
              AND acquired.as_of = spine.as_of
            GROUP BY ALL
        """


@derives(AcquiredAny)
class AcquiredAnyDerivation(Derivation[AcquiredAny]):
    """Any product of a group acquired; masked where the whole group is held at `as_of`."""

    requires = ("holdings",)

    def unmet(self, rule: AcquiredAny, dataset: DatasetSettings) -> Off | None:
        """See the base class."""
        if off := super().unmet(rule, dataset):
            return off
        if rule.product_group not in _groups(dataset):
            return Off(
                f"the catalogue has no product group '{rule.product_group}'",
                f"put the bank's {rule.product_group} under that group in configs/products/, or "
                "leave the task off where it sells none",
            )
        return None

    def sql(self, rule: AcquiredAny, setting: Setting) -> str:
        """See the base class."""
        del setting
        group = text(rule.product_group)
        return f"""
            WITH acquired AS ({_ACQUIRED}), members AS (
              SELECT product FROM products WHERE "group" = {group}
            ), owned AS (
              SELECT spine.customer_id, spine.as_of, count(*) AS n
              FROM spine JOIN holdings ON holdings.customer_id = spine.customer_id
                AND holdings.month = spine.as_of
              WHERE holdings.product IN (SELECT product FROM members)
              GROUP BY ALL
            ), gained AS (
              SELECT DISTINCT customer_id, as_of FROM acquired
              WHERE product IN (SELECT product FROM members)
            )
            SELECT spine.customer_id, spine.as_of,
              CASE WHEN coalesce(owned.n, 0) < (SELECT count(*) FROM members)
                THEN CAST(gained.as_of IS NOT NULL AS DOUBLE) END AS y
            FROM spine
            LEFT JOIN owned ON owned.customer_id = spine.customer_id
              AND owned.as_of = spine.as_of
            LEFT JOIN gained ON gained.customer_id = spine.customer_id
              AND gained.as_of = spine.as_of
        """
