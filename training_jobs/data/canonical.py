"""The canonical tables as Parquet, hashed into customer shards."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from configs.contracts.artefacts import canonical_json
from configs.settings.dataset import Catalogue, CategoryTree, DatasetSettings
from training_jobs.data.engine import BANK_SCHEMA, engine, name, text, use
from training_jobs.data.profile import profile
from training_jobs.data.reference import category_table, product_table
from training_jobs.data.schema import SCHEMAS
from training_jobs.data.sources import open_sources
from training_jobs.data.table_checks import make_tables
from training_jobs.data.truth import truth_inside
from training_jobs.data.violations import Violation

TABLES_FOLDER = "tables"
SHARDS_FILE = "shards.json"
PROFILE_FILE = "profile.json"
_EMPTY = (Catalogue(groups=(), products=()), CategoryTree(iso18245=False))

Progress = Callable[[int, int, str], None]


def part_name(shard: int) -> str:
    """Return the file name of a shard's part."""
    return f"part-{shard:05d}.parquet"


def shard_sql(shards: int) -> str:
    """Return the SQL of a customer's shard number; MD5, so it is the same everywhere."""
    return f"CAST(md5_number_lower('shard:' || customer_id) % {shards} AS INTEGER)"


def prepare(
    connection: duckdb.DuckDBPyConnection, settings: DatasetSettings, raw: Path
) -> list[Violation]:
    """Check the sources, make the canonical tables in the database, check them.

    Returns:
        Every violation found; the tables may be used only if there is none.
    """
    faults = [*truth_inside(raw), *open_sources(connection, settings, raw)]
    if faults:
        return faults
    use(connection, BANK_SCHEMA)
    tables = {
        "products": product_table(settings.catalogue or _EMPTY[0]),
        "categories": category_table(settings.categories or _EMPTY[1]),
    }
    for table, content in tables.items():
        connection.register("incoming", content)
        connection.execute(f"CREATE TABLE {name(table)} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    return make_tables(connection, settings)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({query}) TO {text(path)} (FORMAT parquet, COMPRESSION zstd)")


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    settings: DatasetSettings,
    output: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Write the prepared tables, `shards.json` and `profile.json`; return the profile.

    Rows are sorted by all columns in order, so equal input gives equal bytes.
    """
    folder = output / TABLES_FOLDER
    tables = [table for table in SCHEMAS if table in settings.tables]
    references = [
        table
        for table, present in (
            ("products", settings.catalogue is not None),
            ("categories", settings.categories is not None),
        )
        if present
    ]
    for done, table in enumerate(tables, 1):
        for shard in range(settings.shards):
            _copy(
                connection,
                f"SELECT * FROM {name(table)} WHERE {shard_sql(settings.shards)} = {shard} "
                "ORDER BY ALL",
                folder / table / part_name(shard),
            )
        progress(done, len(tables) + 1, f"{table} written")
    for table, order in (("products", "position"), ("categories", "code")):
        if table in references:
            _copy(
                connection,
                f"SELECT * FROM {name(table)} ORDER BY {order}",
                folder / table / part_name(0),
            )
    (output / SHARDS_FILE).write_bytes(canonical_json({"shards": settings.shards}))
    facts = profile(connection, settings)
    (output / PROFILE_FILE).write_bytes(canonical_json(facts))
    progress(len(tables) + 1, len(tables) + 1, "profile written")
    return facts


def convert(
    settings: DatasetSettings, *, raw: Path, output: Path, progress: Progress
) -> tuple[list[Violation], dict[str, Any] | None]:
    """Check `raw` and, only if nothing is wrong, write the canonical tables to `output`.

    Returns:
        All violations and, if there are none, the profile.
    """
    with engine(settings) as connection:
        faults = prepare(connection, settings, raw)
        if faults:
            return faults, None
        return [], write_tables(connection, settings, output, progress)


def shard_count(preflight: Path) -> int:
    """Return the number of customer shards of a preflight output."""
    return int(json.loads((preflight / SHARDS_FILE).read_text())["shards"])


def read_reference(tables: Path, table: str) -> pa.Table | None:
    """Return `products` or `categories`, None where the data set has none."""
    import pyarrow.parquet as pq

    path = tables / table / part_name(0)
    return pq.read_table(path) if path.is_file() else None
