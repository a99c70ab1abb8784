"""DuckDB as this room uses it: bounded memory, a fixed time zone, a spill folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from configs.errors import SettingsError
from configs.settings.dataset import DatasetSettings

SOURCE_SCHEMA = "source"
"""Database schema of the source views: what the SQL of a data set sees."""
BANK_SCHEMA = "bank"
"""Database schema of the canonical tables, whose names sources may share."""


def text(value: str | Path) -> str:
    """Return an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def name(value: str) -> str:
    """Return an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


@contextmanager
def engine(settings: DatasetSettings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in a scratch folder that is removed afterwards.

    One thread, so that floating-point sums do not depend on timing; `threads` raises it for work
    whose outcome cannot.

    Raises:
        SettingsError: the data set names an unknown time zone.
    """
    with TemporaryDirectory(prefix="sevenlens-") as scratch:
        connection = duckdb.connect(str(Path(scratch) / "work.duckdb"))
        try:
            connection.execute(f"SET memory_limit = {text(settings.limits.memory)}")
            connection.execute(f"SET temp_directory = {text(Path(scratch) / 'spill')}")
            connection.execute("SET threads = 1")
            _set_zone(connection, settings.time_zone)
            connection.execute("SET enable_progress_bar = false")
            for schema in (SOURCE_SCHEMA, BANK_SCHEMA):
                connection.execute(f"CREATE SCHEMA {schema}")
            yield connection
        finally:
            connection.close()


def _set_zone(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    try:
        connection.execute(f"SET TimeZone = {text(zone)}")
    except duckdb.Error as error:
        raise SettingsError(
            f"time_zone: '{zone}' is no time zone", remedy="name one as Europe/Madrid is named"
        ) from error


def scratch_folder(connection: duckdb.DuckDBPyConnection) -> Path:
    """Return the folder of the engine's database, removed with it."""
    listed = connection.execute("PRAGMA database_list").fetchall()
    return next(Path(str(file)).parent for _, database, file in listed if database == "work")


@contextmanager
def threads(connection: duckdb.DuckDBPyConnection, count: int) -> Iterator[None]:
    """Work with `count` threads, afterwards with one again."""
    connection.execute(f"SET threads = {count}")
    try:
        yield
    finally:
        connection.execute("SET threads = 1")


@contextmanager
def same_schema(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Write Parquet files in which every column may be missing.

    What DuckDB knows of the values would otherwise decide, and the parts of one table differ.
    """
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    try:
        yield
    finally:
        connection.execute("SET disabled_optimizers = ''")


def use(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make unqualified names mean those of a schema."""
    connection.execute(f"SET search_path = {text(schema)}")


def scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Return the single integer that a query yields."""
    rows = connection.execute(sql).fetchall()
    return int(rows[0][0]) if rows and rows[0][0] is not None else 0


def examples(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, ...]:
    """Return the first column of a query's rows as short texts."""
    return tuple(str(row[0])[:60] for row in connection.execute(sql).fetchall())
