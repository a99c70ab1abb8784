"""The canonical tables as Parquet, hashed into customer shards."""

import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from configs.contracts.artefacts import canonical_json
from configs.settings.dataset import Catalogue, CategoryTree, DatasetSettings
from training_jobs.data.engine import BANK_SCHEMA, engine, name, same_schema, text, threads, use
from training_jobs.data.parts import part_sql
from training_jobs.data.profile import profile
from training_jobs.data.reading import find
from training_jobs.data.reference import category_table, product_table
from training_jobs.data.schema import SCHEMAS
from training_jobs.data.sources import open_sources
from training_jobs.data.table_checks import make_tables
from training_jobs.data.truth import truth_inside
from training_jobs.data.violations import Violation

TABLES_FOLDER = "tables"
SHARDS_FILE = "shards.json"
PROFILE_FILE = "profile.json"
UNFINISHED = "unfinished.json"
"""Lies in the output while its parts are being written."""
_EMPTY = (Catalogue(groups=(), products=()), CategoryTree(iso18245=False))

Progress = Callable[[int, int, str], None]


def part_name(shard: int) -> str:
    """Return the file name of a shard's part."""
    return f"part-{shard:05d}.parquet"


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
    """Write a query's rows to a file that appears under its name only once complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with same_schema(connection):
        connection.execute(f"COPY ({query}) TO {text(partial)} (FORMAT parquet, COMPRESSION zstd)")
    partial.rename(path)


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    settings: DatasetSettings,
    output: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Write the prepared tables, `shards.json` and `profile.json`; return the profile.

    Rows are sorted by all columns in order, so equal input gives equal bytes, whatever the number
    of threads.
    """
    folder = output / TABLES_FOLDER
    tables = [table for table in SCHEMAS if table in settings.tables]
    steps = len(tables) * settings.shards + 1
    for done, (table, shard) in enumerate(product(tables, range(settings.shards)), 1):
        path = folder / table / part_name(shard)
        if not path.is_file():
            _copy(
                connection,
                f"SELECT * FROM {part_sql(connection, table, shard)} ORDER BY ALL",
                path,
            )
        progress(done, steps, f"{table} {shard + 1} of {settings.shards} written")
    for table, order, present in (
        ("products", "position", settings.catalogue is not None),
        ("categories", "code", settings.categories is not None),
    ):
        if present:
            _copy(
                connection,
                f"SELECT * FROM {name(table)} ORDER BY {order}",
                folder / table / part_name(0),
            )
    (output / SHARDS_FILE).write_bytes(canonical_json({"shards": settings.shards}))
    facts = profile(connection, settings)
    (output / PROFILE_FILE).write_bytes(canonical_json(facts))
    progress(steps, steps, "profile written")
    return facts


def _origin(settings: DatasetSettings, raw: Path) -> bytes:
    """Return what the parts come from: the settings and the files as they are."""
    files = {
        str(path.relative_to(raw)): [path.stat().st_size, path.stat().st_mtime_ns]
        for source in settings.sources.values()
        for path in find(raw, source)
    }
    return canonical_json({"settings": settings.model_dump(mode="json"), "files": files})


def _forget_other(output: Path, origin: bytes) -> None:
    """Remove parts of another origin, and note this one for a call that takes up this work."""
    mark = output / UNFINISHED
    if not mark.is_file() or mark.read_bytes() != origin:
        shutil.rmtree(output / TABLES_FOLDER, ignore_errors=True)
        output.mkdir(parents=True, exist_ok=True)
        mark.write_bytes(origin)


def convert(
    settings: DatasetSettings, *, raw: Path, output: Path, progress: Progress
) -> tuple[list[Violation], dict[str, Any] | None]:
    """Check `raw` and, only if nothing is wrong, write the canonical tables to `output`.

    A call that was cut short is taken up again by the same call: parts that are complete and come
    from the same files and settings are not written twice.

    Returns:
        All violations and, if there are none, the profile.
    """
    with engine(settings) as connection:
        faults = prepare(connection, settings, raw)
        if faults:
            return faults, None
        _forget_other(output, _origin(settings, raw))
        with threads(connection, settings.limits.threads):
            facts = write_tables(connection, settings, output, progress)
        (output / UNFINISHED).unlink()
        return [], facts


def shard_count(preflight: Path) -> int:
    """Return the number of customer shards of a preflight output."""
    return int(json.loads((preflight / SHARDS_FILE).read_text())["shards"])


def read_reference(tables: Path, table: str) -> pa.Table | None:
    """Return `products` or `categories`, None where the data set has none."""
    import pyarrow.parquet as pq

    path = tables / table / part_name(0)
    return pq.read_table(path) if path.is_file() else None
