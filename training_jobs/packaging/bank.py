"""What the canonical tables say about customers and products at the serving `as_of`."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from configs.settings.package import Popularity

EVERYBODY = "*"


class Bank:
    """Canonical tables of preflight, read by SQL; absent tables are empty.

    Args:
        tables: folder with one sub-folder a table.
        as_of: the serving month end.
    """

    def __init__(self, tables: Path, as_of: date) -> None:
        self._tables = tables
        self._as_of = as_of
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 2")

    def _has(self, table: str) -> bool:
        return any((self._tables / table).glob("part-*.parquet"))

    def _rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def _source(self, table: str) -> str:
        folder = str(self._tables / table).replace("'", "''")
        return f"read_parquet('{folder}/part-*.parquet')"

    def catalogue(self) -> list[dict[str, Any]]:
        """Return the products as `catalogue.json` holds them."""
        rows = self._connection.execute(
            f"SELECT * FROM {self._source('products')} ORDER BY position"
        )
        names = [column[0] for column in rows.description or ()]
        products = []
        for values in rows.fetchall():
            row = dict(zip(names, values, strict=True))
            conditions = {
                name: row[name]
                for name in ("min_age", "max_age", "min_income", "segments")
                if row.get(name) is not None
            }
            products.append(
                {
                    "product": row["product"],
                    "group": row["group"],
                    "group_names": {"ko": row["group_name_ko"], "en": row["group_name_en"]},
                    "names": {"ko": row["name_ko"], "en": row["name_en"]},
                    "risk_grade": row["risk_grade"],
                    "eligibility": conditions,
                    "fees": {"ko": row["fees_ko"], "en": row["fees_en"]},
                    "benefits": {"ko": row["benefits_ko"], "en": row["benefits_en"]},
                }
            )
        return products

    def owned(self) -> dict[str, list[str]]:
        """Return customer -> products held at `as_of`."""
        if not self._has("holdings"):
            return {}
        rows = self._rows(
            f"SELECT customer_id, list(product ORDER BY product) FROM {self._source('holdings')}"
            " WHERE month = $as_of GROUP BY customer_id",
            as_of=self._as_of,
        )
        return {str(customer): list(products) for customer, products in rows}

    def attributes(self) -> dict[str, dict[str, Any]]:
        """Return customer -> age in years and what the month's row says."""
        monthly = "customer_months"
        fields = "m.segment, m.income, m.channel, m.region"
        source = (
            f"LEFT JOIN {self._source(monthly)} m"
            " ON m.customer_id = c.customer_id AND m.month = $as_of"
        )
        if not self._has(monthly):
            fields, source = "NULL, NULL, NULL, NULL", ""
        rows = self._rows(
            "SELECT c.customer_id, year($as_of) - c.birth_year, c.joined_on, "
            f"{fields} FROM {self._source('customers')} c {source}",
            as_of=self._as_of,
        )
        names = ("age", "joined_on", "segment", "income", "channel", "region")
        return {
            str(row[0]): {
                name: value.isoformat() if isinstance(value, date) else value
                for name, value in zip(names, row[1:], strict=True)
                if value is not None
            }
            for row in rows
        }

    def popularity(self, settings: Popularity, products: list[str]) -> dict[str, dict[str, float]]:
        """Return segment (and `*`) -> product -> share of customers who took it up.

        A segment's share is shrunk towards the whole bank's by `prior_customers`. Where the bank
        has no holdings every product has the same share.
        """
        customers = {str(segment): int(count) for segment, count in self._segments()}
        total = max(sum(customers.values()), 1)
        counts = self._uptake(settings.months)
        overall = {
            product: sum(counts.get((segment, product), 0) for segment in customers) / total
            for product in products
        }
        if not any(overall.values()):
            return {EVERYBODY: dict.fromkeys(products, 1.0 / len(products))}
        prior = settings.prior_customers
        shares = {
            segment: {
                product: (counts.get((segment, product), 0) + prior * overall[product])
                / (size + prior)
                for product in products
            }
            for segment, size in sorted(customers.items())
        }
        return {EVERYBODY: overall, **shares}

    def _segments(self) -> list[tuple[Any, ...]]:
        if not self._has("customer_months"):
            return [
                (EVERYBODY, self._rows(f"SELECT count(*) FROM {self._source('customers')}")[0][0])
            ]
        return self._rows(
            f"SELECT coalesce(segment, '{EVERYBODY}'), count(*) "
            f"FROM {self._source('customer_months')} WHERE month = $as_of GROUP BY 1 ORDER BY 1",
            as_of=self._as_of,
        )

    def _uptake(self, months: int) -> dict[tuple[str, str], int]:
        if not self._has("holdings"):
            return {}
        segment = (
            f"(SELECT customer_id, coalesce(segment, '{EVERYBODY}') AS segment"
            f" FROM {self._source('customer_months')} WHERE month = $as_of)"
            if self._has("customer_months")
            else f"(SELECT customer_id, '{EVERYBODY}' AS segment FROM {self._source('customers')})"
        )
        rows = self._rows(
            f"""
            WITH held AS (SELECT customer_id, product, min(month) AS since
                          FROM {self._source("holdings")} WHERE month <= $as_of GROUP BY ALL),
                 first AS (SELECT min(month) AS month FROM {self._source("holdings")})
            SELECT s.segment, h.product, count(*)
            FROM held h JOIN {segment} s USING (customer_id), first
            WHERE h.since > first.month
              AND h.since > last_day($as_of - to_months($months))
            GROUP BY ALL
            """,
            as_of=self._as_of,
            months=months,
        )
        return {(str(segment), str(product)): int(count) for segment, product, count in rows}
