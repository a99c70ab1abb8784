"""Canonical tables dealt into customer shards in the scratch folder: one pass over each query.

Checks and writing then work shard by shard, so that time grows with the rows alone (not with rows
times shards) and memory with the largest shard.
"""

import json
from pathlib import Path

import duckdb

from training_jobs.data.engine import (
    BANK_SCHEMA,
    SOURCE_SCHEMA,
    name,
    scratch_folder,
    text,
    threads,
    use,
)

HOMES = f"{BANK_SCHEMA}.homes"
"""Table of every customer's shard: a hash is worked out once a customer, not once a row."""
SHARD = "home_shard"
"""Column of the shard; no canonical column is called so."""
_SET_OPERATORS = {
    "COPY_TO_FILE", "EMPTY_RESULT", "FILTER", "HASH_JOIN", "PROJECTION", "READ_CSV",
    "READ_PARQUET", "SEQ_SCAN", "TABLE_SCAN", "UNION", "UNNEST",
}  # fmt: skip


def shard_sql(shards: int) -> str:
    """Return the SQL of a customer's shard number; MD5, so it is the same everywhere."""
    return f"CAST(md5_number_lower('shard:' || customer_id) % {shards} AS INTEGER)"


def _operators(node: object) -> set[str]:
    """Return the names of all operators of a plan."""
    if isinstance(node, list):
        return set().union(*(_operators(child) for child in node)) if node else set()
    if isinstance(node, dict):
        return {str(node["name"]).strip()} | _operators(node.get("children", []))
    return set()


def threads_for(connection: duckdb.DuckDBPyConnection, sql: str, *, most: int) -> int:
    """Return `most` where a query's rows cannot depend on threads, else 1.

    They may where it aggregates, ranks or limits: a sum of floats depends on its order.
    """
    rows = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
    return most if _operators(json.loads(rows[0][1])) <= _SET_OPERATORS else 1


def _folder(connection: duckdb.DuckDBPyConnection, table: str) -> Path:
    return scratch_folder(connection) / "parts" / table


def deal(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    sql: str,
    *,
    columns: dict[str, str],
    shards: int,
    most_threads: int,
) -> int:
    """Run a table's query over the sources, dealing its rows into shards; return the rows.

    Afterwards a view of the table's name in the bank holds all rows. Rows of unknown customers are
    in shard 0.

    Args:
        connection: an open engine.
        table: name of the table.
        sql: its query.
        columns: canonical columns with their DuckDB types.
        shards: number of customer shards.
        most_threads: threads to use where the rows do not depend on it.

    Raises:
        duckdb.Error: the query fails.
    """
    folder = _folder(connection, table)
    folder.parent.mkdir(parents=True, exist_ok=True)
    cast = ", ".join(f"CAST({name(key)} AS {kind}) AS {name(key)}" for key, kind in columns.items())
    dealt = f"SELECT {cast} FROM ({sql})"
    if table == "customers":
        home = f"SELECT *, coalesce({shard_sql(shards)}, 0) AS {name(SHARD)} FROM ({dealt})"
    else:
        home = (
            f"SELECT dealt.*, coalesce(homes.shard, 0) AS {name(SHARD)} FROM ({dealt}) AS dealt "
            f"LEFT JOIN {HOMES} AS homes USING (customer_id)"
        )
    use(connection, SOURCE_SCHEMA)
    try:
        with threads(connection, threads_for(connection, home, most=most_threads)):
            rows = connection.execute(
                f"COPY ({home}) TO {text(folder)} (FORMAT parquet, COMPRESSION uncompressed, "
                f"PARTITION_BY ({name(SHARD)}))"
            ).fetchall()[0][0]
    finally:
        use(connection, BANK_SCHEMA)
    if rows:
        connection.execute(
            f"CREATE VIEW {name(table)} AS SELECT * FROM "
            f"read_parquet({text(folder / '*' / '*.parquet')}, hive_partitioning = false)"
        )
    return int(rows)


def make_homes(connection: duckdb.DuckDBPyConnection, shards: int, *, known: bool) -> None:
    """Make `HOMES` from the customers, empty where there is no such table."""
    customers = "customers" if known else "(SELECT NULL::VARCHAR AS customer_id)"
    connection.execute(
        f"CREATE TABLE {HOMES} AS SELECT DISTINCT customer_id, {shard_sql(shards)} AS shard "
        f"FROM {customers} WHERE customer_id IS NOT NULL"
    )


def part_sql(connection: duckdb.DuckDBPyConnection, table: str, shard: int) -> str:
    """Return the SQL of the rows of one shard of a table."""
    folder = _folder(connection, table) / f"{SHARD}={shard}"
    if not folder.is_dir():
        return f"(SELECT * FROM {name(table)} LIMIT 0)"
    return f"read_parquet({text(folder / '*.parquet')}, hive_partitioning = false)"
