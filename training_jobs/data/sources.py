"""Every source file opened, and checked value by value before anything is made of it."""

from pathlib import Path

import duckdb

from configs.settings.dataset import DatasetSettings
from configs.settings.sources import Source
from training_jobs.data.engine import SOURCE_SCHEMA, examples, name, scalar, threads, use
from training_jobs.data.raw_files import check_delimited
from training_jobs.data.reading import (
    bad_name,
    find,
    open_parquet,
    read_delimited,
    read_name,
    rejected,
)
from training_jobs.data.violations import Violation


def _check_values(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, limit: int
) -> list[Violation]:
    measures = []
    for column in source.columns:
        measures.append(f"count({name(column)})")
        measures.append(f"count({bad_name(column)})")
    counts = connection.execute(
        f"SELECT count(*), {', '.join(measures)} FROM {read_name(table)}"
    ).fetchall()[0]
    if counts[0] == 0:
        return [
            Violation(source.path, table, "", "no rows", 1, (), "deliver the file with its content")
        ]
    faults = []
    for number, (column, rule) in enumerate(source.columns.items()):
        bad = counts[2 + 2 * number]
        missing = counts[0] - counts[1 + 2 * number] - bad
        if missing and not rule.nullable:
            faults.append(
                Violation(
                    source.path, table, column, "missing values in a required column", missing, (),
                    "deliver the values, or declare the column nullable if its absence is meant",
                )
            )  # fmt: skip
        if bad:
            shown = bad_name(column)
            wanted = f"{rule.type} as {rule.format}" if rule.format else rule.type
            faults.append(
                Violation(
                    source.path,
                    table,
                    column,
                    f"values that are not {wanted}",
                    bad,
                    examples(
                        connection,
                        f"SELECT DISTINCT {shown} AS v FROM {read_name(table)} "
                        f"WHERE {shown} IS NOT NULL ORDER BY v LIMIT {limit}",
                    ),
                    "correct the values, or the column's type or format in the data set's YAML",
                )
            )
    return faults


def _check_unique(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, limit: int
) -> list[Violation]:
    if not source.unique:
        return []
    keys = ", ".join(name(column) for column in source.unique)
    again = f"SELECT {keys}, count(*) AS times FROM {name(table)} GROUP BY {keys} HAVING times > 1"
    count = scalar(connection, f"SELECT sum(times - 1) FROM ({again})")
    if not count:
        return []
    shown = " || '/' || ".join(f"CAST({name(column)} AS VARCHAR)" for column in source.unique)
    return [
        Violation(
            source.path,
            table,
            ", ".join(source.unique),
            "duplicate keys",
            count,
            examples(connection, f"SELECT {shown} AS v FROM ({again}) ORDER BY v LIMIT {limit}"),
            "deliver each key once",
            identifying=True,
        )
    ]


def _check_references(
    connection: duckdb.DuckDBPyConnection, table: str, settings: DatasetSettings
) -> list[Violation]:
    source = settings.sources[table]
    faults = []
    for reference in source.references:
        column, key = name(reference.column), name(reference.key)
        orphans = (
            f"FROM {name(table)} AS child WHERE {column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {name(reference.source)} AS parent "
            f"WHERE parent.{key} = child.{column})"
        )
        if count := scalar(connection, f"SELECT count(*) {orphans}"):
            faults.append(
                Violation(
                    source.path,
                    table,
                    reference.column,
                    f"orphans: not in {reference.source}.{reference.key}",
                    count,
                    examples(
                        connection,
                        f"SELECT DISTINCT CAST({column} AS VARCHAR) AS v {orphans} "
                        f"ORDER BY v LIMIT {settings.limits.examples}",
                    ),
                    f"deliver the rows of {reference.source} that are missing, or drop these rows",
                    identifying=True,
                )
            )
    return faults


def open_sources(
    connection: duckdb.DuckDBPyConnection, settings: DatasetSettings, raw: Path
) -> list[Violation]:
    """Make every source a view of typed columns under its name; return all faults found.

    Where faults are returned the views may be missing: nothing may be made of them.

    Args:
        connection: an open engine.
        settings: the data set.
        raw: folder with the source files.
    """
    use(connection, SOURCE_SCHEMA)
    with threads(connection, settings.limits.threads):
        return _open_and_check(connection, settings, raw)


def _open_and_check(
    connection: duckdb.DuckDBPyConnection, settings: DatasetSettings, raw: Path
) -> list[Violation]:
    faults: list[Violation] = []
    readable = []
    for table, source in settings.sources.items():
        files = find(raw, source)
        if not files:
            faults.append(
                Violation(
                    source.path, table, "", "no such file", 1, (),
                    "deliver the file, or correct the path in the data set's YAML",
                )
            )  # fmt: skip
            continue
        if source.format == "csv":
            found = [
                fault
                for path in files
                for fault in check_delimited(
                    path, table=table, source=source, line_bytes=settings.limits.line_bytes
                )
            ]
            if not found:
                read_delimited(connection, table, source, files)
                found = rejected(connection, table, files)
        else:
            found = open_parquet(connection, table, source, files)
        faults.extend(found)
        if not found:
            readable.append(table)
    for table in readable:
        source = settings.sources[table]
        faults.extend(_check_values(connection, table, source, settings.limits.examples))
        columns = ", ".join(name(column) for column in source.columns)
        connection.execute(f"CREATE VIEW {name(table)} AS SELECT {columns} FROM {read_name(table)}")
        faults.extend(_check_unique(connection, table, source, settings.limits.examples))
    for table in readable:
        if all(reference.source in readable for reference in settings.sources[table].references):
            faults.extend(_check_references(connection, table, settings))
    return faults
