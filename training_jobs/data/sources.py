"""Source files as typed DuckDB views, checked value by value before they are used."""

from pathlib import Path

import duckdb

from configs.settings.dataset import DatasetSettings, Source, SourceColumn
from training_jobs.data.engine import SOURCE_SCHEMA, examples, name, scalar, text, use
from training_jobs.data.raw_files import check_delimited, header
from training_jobs.data.violations import Violation


def find(raw: Path, source: Source) -> list[Path]:
    """Return the files of a source, sorted."""
    return sorted(path for path in raw.glob(source.path) if path.is_file())


def _raw(table: str) -> str:
    return name(f"raw {table}")


def value_sql(column: str, source: Source) -> str:
    """Return the SQL of a column's text (or stored value) with missing values as NULL."""
    quoted = name(column)
    if source.format == "parquet":
        return quoted
    body = f"trim({quoted})" if source.trim else quoted
    listed = ", ".join(text(mark) for mark in source.null_strings)
    return f"CASE WHEN {body} IN ({listed}) THEN NULL ELSE {body} END" if listed else body


def typed_sql(column: str, rule: SourceColumn, source: Source) -> str:
    """Return the SQL of a column as its declared type; what cannot be converted becomes NULL."""
    value = value_sql(column, source)
    if source.format == "parquet":
        return f"TRY_CAST({value} AS {rule.type})"
    if rule.type in ("DATE", "TIMESTAMP") and rule.format:
        return f"TRY_CAST(try_strptime({value}, {text(rule.format)}) AS {rule.type})"
    if rule.type == "BIGINT":
        # A cast alone would round 1.5 to 2.
        whole = f"regexp_full_match({value}, '[+-]?[0-9]+')"
        return f"CASE WHEN {whole} THEN TRY_CAST({value} AS BIGINT) END"
    if rule.type == "DOUBLE":
        cast = f"TRY_CAST({value} AS DOUBLE)"
        return f"CASE WHEN isfinite({cast}) THEN {cast} END"
    return f"TRY_CAST({value} AS {rule.type})"


def _open_delimited(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, files: list[Path]
) -> None:
    # Files of one source may order their columns differently: each is read by its own header.
    parts = []
    for path in files:
        columns = ", ".join(f"{text(column)}: 'VARCHAR'" for column in header(path, source))
        wanted = ", ".join(name(column) for column in source.columns)
        parts.append(
            f"SELECT {wanted} FROM read_csv({text(path)}, header = true, auto_detect = false, "
            f"delim = {text(source.delimiter)}, quote = {text(source.quote)}, "
            f"escape = {text(source.quote)}, encoding = {text(source.encoding)}, "
            f"columns = {{{columns}}}, strict_mode = true, null_padding = false, "
            "ignore_errors = true, store_rejects = true, rejects_limit = 0)"
        )
    connection.execute(f"CREATE TABLE {_raw(table)} AS " + " UNION ALL ".join(parts))


def _rejected(
    connection: duckdb.DuckDBPyConnection, table: str, files: list[Path]
) -> list[Violation]:
    rows = connection.execute(
        "SELECT scans.file_path, min(CAST(errors.error_type AS VARCHAR)), "
        "count(DISTINCT errors.line), list(errors.line ORDER BY errors.line) "
        "FROM reject_errors AS errors JOIN reject_scans AS scans USING (scan_id, file_id) "
        "GROUP BY scans.file_path ORDER BY scans.file_path"
    ).fetchall()
    known = {str(path) for path in files}
    return [
        Violation(
            Path(path).name,
            table,
            "",
            f"lines that are not a row of the header's shape ({kind.lower()})",
            int(count),
            tuple(f"line {line}" for line in lines[:3]),
            "check the number of columns and the quotes in these lines",
        )
        for path, kind, count, lines in rows
        if path in known
    ]


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, files: list[Path]
) -> list[Violation]:
    listed = ", ".join(text(path) for path in files)
    faults = []
    for path in files:
        try:
            found = {
                str(row[0])
                for row in connection.execute(
                    f"DESCRIBE SELECT * FROM read_parquet({text(path)})"
                ).fetchall()
            }
        except duckdb.Error:
            faults.append(
                Violation(
                    path.name, table, "", "not a readable Parquet file", 1, (),
                    "deliver the file again; an empty or cut file is not accepted",
                )
            )  # fmt: skip
            continue
        faults.extend(
            Violation(
                path.name,
                table,
                column,
                "missing column",
                1,
                (f"found: {', '.join(sorted(found))[:120]}",),
                f"deliver the file with a column '{column}' or correct sources.{table}.columns",
            )
            for column in source.columns
            if column not in found
        )
    if not faults:
        wanted = ", ".join(name(column) for column in source.columns)
        connection.execute(
            f"CREATE VIEW {_raw(table)} AS "
            f"SELECT {wanted} FROM read_parquet([{listed}], union_by_name = true)"
        )
    return faults


def _check_values(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, limit: int
) -> list[Violation]:
    measures = []
    for column, rule in source.columns.items():
        value, typed = value_sql(column, source), typed_sql(column, rule, source)
        measures.append(f"count(*) FILTER ({value} IS NULL)")
        measures.append(f"count(*) FILTER ({value} IS NOT NULL AND {typed} IS NULL)")
    counts = connection.execute(
        f"SELECT count(*), {', '.join(measures)} FROM {_raw(table)}"
    ).fetchall()[0]
    if counts[0] == 0:
        return [
            Violation(source.path, table, "", "no rows", 1, (), "deliver the file with its content")
        ]
    faults = []
    for number, (column, rule) in enumerate(source.columns.items()):
        missing, bad = counts[1 + 2 * number], counts[2 + 2 * number]
        if missing and not rule.nullable:
            faults.append(
                Violation(
                    source.path, table, column, "missing values in a required column", missing, (),
                    "deliver the values, or declare the column nullable if its absence is meant",
                )
            )  # fmt: skip
        if bad:
            value, typed = value_sql(column, source), typed_sql(column, rule, source)
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
                        f"SELECT DISTINCT {value} AS v FROM {_raw(table)} "
                        f"WHERE {value} IS NOT NULL AND {typed} IS NULL ORDER BY v LIMIT {limit}",
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
                _open_delimited(connection, table, source, files)
                found = _rejected(connection, table, files)
        else:
            found = _open_parquet(connection, table, source, files)
        faults.extend(found)
        if not found:
            readable.append(table)
    for table in readable:
        source = settings.sources[table]
        faults.extend(_check_values(connection, table, source, settings.limits.examples))
        columns = ", ".join(
            f"{typed_sql(column, rule, source)} AS {name(column)}"
            for column, rule in source.columns.items()
        )
        connection.execute(f"CREATE VIEW {name(table)} AS SELECT {columns} FROM {_raw(table)}")
        faults.extend(_check_unique(connection, table, source, settings.limits.examples))
    for table in readable:
        if all(reference.source in readable for reference in settings.sources[table].references):
            faults.extend(_check_references(connection, table, settings))
    return faults
