"""The rows of the examples: who is in which split at which `as_of`."""

from pathlib import Path

import duckdb

from configs.settings.dataset import DatasetSettings
from configs.settings.months import shift
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import part_name
from training_jobs.data.engine import name, text

_OBSERVED = ("customer_months", "holdings", "transactions")


def open_views(
    connection: duckdb.DuckDBPyConnection, tables: Path, dataset: DatasetSettings, shards: list[int]
) -> None:
    """Make the canonical tables of some shards, `products` and `events` visible as views."""
    for table in dataset.tables:
        parts = [tables / table / part_name(shard) for shard in shards]
        listed = ", ".join(text(part) for part in parts)
        connection.execute(
            f"CREATE OR REPLACE VIEW {name(table)} AS SELECT * FROM read_parquet([{listed}])"
        )
    if dataset.catalogue is not None:
        path = text(tables / "products" / part_name(0))
        connection.execute(f"CREATE OR REPLACE VIEW products AS SELECT * FROM read_parquet({path})")
    if "transactions" in dataset.tables:
        directions = ", ".join(text(direction) for direction in dataset.category_directions)
        connection.execute(
            "CREATE OR REPLACE VIEW events AS SELECT customer_id, ts, category "
            f"FROM transactions WHERE direction IN ({directions})"
        )


def hash_sql(salt: str, purpose: str, divisor: int) -> str:
    """Return the SQL of a customer's number in 0..divisor-1 for a purpose; MD5 of the id."""
    prefix = text(f"{salt}:{purpose}:")
    return f"CAST(md5_number_lower({prefix} || customer_id) % {divisor} AS INTEGER)"


def cold_sql(tasks: TasksSettings) -> str:
    """Return the SQL that says whether a customer is never trained on."""
    return f"({hash_sql(tasks.salt, 'cold', 1000)} < {tasks.cold_per_mille})"


def _months_seen(dataset: DatasetSettings) -> str:
    """Return a SELECT of (customer_id, month) in which a customer was observed."""
    table = next((table for table in _OBSERVED if table in dataset.tables), None)
    if table == "transactions":
        # Without snapshots a customer counts from the first transaction on.
        return (
            "SELECT customer_id, CAST(last_day(CAST(month AS DATE)) AS DATE) AS month FROM ("
            "SELECT customer_id, unnest(generate_series(date_trunc('month', min(ts)), "
            f"TIMESTAMP '{dataset.last}', INTERVAL 1 MONTH)) AS month "
            "FROM transactions GROUP BY customer_id)"
        )
    return f"SELECT DISTINCT customer_id, month FROM {name(table or 'customer_months')}"


def make_spine(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetSettings, tasks: TasksSettings
) -> None:
    """Make the table `spine` from the views: one row an example of every split.

    An example needs to be observed at `as_of`, joined by then, and observed for at least
    `min_months_observed` months. Customers of the cold hash are in test and score alone.
    """
    dates = []
    for split in ("train", "validation", "test", "score"):
        for as_of in dataset.as_ofs(split):
            end = shift(as_of, dataset.horizon_months)
            before = shift(as_of, -dataset.horizon_months)
            dates.append(f"({text(split)}, DATE '{as_of}', DATE '{end}', DATE '{before}')")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE spine AS
        WITH dates(part, as_of, label_end, before_start) AS (VALUES {", ".join(dates)}),
        seen AS ({_months_seen(dataset)}),
        history AS (
          SELECT part, as_of, label_end, before_start, customer_id, count(*) AS observed
          FROM dates JOIN seen ON seen.month <= dates.as_of
          GROUP BY ALL
          HAVING count(*) >= {dataset.min_months_observed} AND bool_or(seen.month = as_of)
        ),
        dealt AS (
          SELECT history.*, {cold_sql(tasks)} AS cold,
            {hash_sql(tasks.salt, "half", 2)} AS half,
            CAST({hash_sql(tasks.salt, "fold", tasks.folds)} AS TINYINT) AS fold
          FROM history
          WHERE EXISTS (SELECT 1 FROM customers WHERE customers.customer_id = history.customer_id
            AND (joined_on IS NULL OR joined_on <= history.as_of))
        )
        SELECT customer_id, as_of, label_end, before_start, observed, cold, fold,
          CASE WHEN part <> 'validation' THEN part
            WHEN half = 0 THEN 'selection' ELSE 'calibration' END AS split
        FROM dealt
        WHERE NOT cold OR part IN ('test', 'score')
        """
    ).fetchall()
