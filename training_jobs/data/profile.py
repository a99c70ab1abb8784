"""What the data hold, in figures for the report; counts only, nobody can be told apart."""

from typing import Any

import duckdb

from configs.settings.dataset import DatasetSettings
from training_jobs.data.engine import SOURCE_SCHEMA, name, scalar
from training_jobs.data.schema import SCHEMAS, TIME_COLUMN


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _tables(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> dict[str, Any]:
    result = {}
    for table in tables:
        when = TIME_COLUMN[table]
        rows, customers, first, last = _rows(
            connection,
            f"SELECT count(*), count(DISTINCT customer_id), min({when}), max({when}) "
            f"FROM {name(table)}",
        )[0]
        result[table] = {
            "rows": rows,
            "customers": customers,
            "first": str(first),
            "last": str(last),
        }
    return result


def _monthly(
    connection: duckdb.DuckDBPyConnection, tables: list[str], settings: DatasetSettings
) -> list[dict[str, Any]]:
    months: dict[str, dict[str, Any]] = {
        f"{month:%Y-%m}": {"month": f"{month:%Y-%m}"} for month in settings.months
    }
    queries = {
        "customer_months": (
            "SELECT strftime(month, '%Y-%m'), count(*), count(*) FILTER (active) "
            "FROM customer_months GROUP BY 1",
            ("customers", "active"),
        ),
        "transactions": (
            "SELECT strftime(ts, '%Y-%m'), count(*), "
            "CAST(coalesce(sum(amount) FILTER (direction = 'debit'), 0) AS BIGINT), "
            "CAST(coalesce(sum(amount) FILTER (direction = 'credit'), 0) AS BIGINT) "
            "FROM transactions GROUP BY 1",
            ("transactions", "debit", "credit"),
        ),
        "holdings": (
            "SELECT strftime(month, '%Y-%m'), count(*) FROM holdings GROUP BY 1",
            ("holdings",),
        ),
    }
    for table, (sql, labels) in queries.items():
        if table in tables:
            for month, *values in _rows(connection, sql):
                months[month].update(zip(labels, values, strict=True))
    return [months[month] for month in sorted(months)]


def profile(connection: duckdb.DuckDBPyConnection, settings: DatasetSettings) -> dict[str, Any]:
    """Return rows, customers and ranges by table, figures by month, and shares at the end."""
    tables = [table for table in SCHEMAS if table in settings.tables]
    facts: dict[str, Any] = {
        "dataset": settings.name,
        "currency": settings.currency.model_dump(),
        "months": len(settings.months),
        "sources": {
            source: scalar(connection, f"SELECT count(*) FROM {SOURCE_SCHEMA}.{name(source)}")
            for source in settings.sources
        },
        "tables": _tables(connection, tables),
        "monthly": _monthly(connection, tables, settings),
    }
    last = f"DATE '{settings.last}'"
    if "holdings" in tables:
        facts["products"] = [
            {"product": product, "held": held}
            for product, held in _rows(
                connection,
                "SELECT products.product, count(holdings.product) FROM products "
                f"LEFT JOIN holdings ON holdings.product = products.product AND month = {last} "
                "GROUP BY ALL ORDER BY min(position)",
            )
        ]
    if "customer_months" in tables:
        facts["segments"] = [
            {"segment": segment, "customers": customers}
            for segment, customers in _rows(
                connection,
                f"SELECT segment, count(*) FROM customer_months WHERE month = {last} "
                "GROUP BY 1 ORDER BY 2 DESC, 1",
            )
        ]
    if "transactions" in tables:
        facts["categories"] = [
            {"category": category, "transactions": count}
            for category, count in _rows(
                connection,
                "SELECT category, count(*) FROM transactions "
                "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 30",
            )
        ]
        facts["merchants"] = _rows(connection, "SELECT count(DISTINCT merchant) FROM transactions")[
            0
        ][0]
    return facts
