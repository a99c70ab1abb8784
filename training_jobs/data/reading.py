"""Source files as typed DuckDB relations: what cannot be read as declared is kept beside it."""

from pathlib import Path

import duckdb

from configs.settings.sources import Source, SourceColumn
from training_jobs.data.engine import name, text
from training_jobs.data.raw_files import header
from training_jobs.data.violations import Violation


def find(raw: Path, source: Source) -> list[Path]:
    """Return the files of a source, sorted."""
    return sorted(path for path in raw.glob(source.path) if path.is_file())


def read_name(table: str) -> str:
    """Return the relation of a source's values as read, with the texts that could not be."""
    return name(f"read {table}")


def bad_name(column: str) -> str:
    """Return the column that holds what could not be read as a column's type, else NULL."""
    return name(f"bad {column}")


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


def _read_sql(source: Source) -> str:
    """Return the select list that reads every column, and keeps the text of what is no value."""
    typed, bad = [], []
    for column, rule in source.columns.items():
        value, made = value_sql(column, source), typed_sql(column, rule, source)
        typed.append(f"{made} AS {name(column)}")
        bad.append(
            f"CASE WHEN {value} IS NOT NULL AND {made} IS NULL THEN CAST({value} AS VARCHAR) END "
            f"AS {bad_name(column)}"
        )
    return ", ".join([*typed, *bad])


def read_delimited(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, files: list[Path]
) -> None:
    """Read delimited files once, into the table `read <source>` of typed values and bad texts."""
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
    connection.execute(
        f"CREATE TABLE {read_name(table)} AS SELECT {_read_sql(source)} "
        f"FROM ({' UNION ALL '.join(parts)})"
    )


def rejected(
    connection: duckdb.DuckDBPyConnection, table: str, files: list[Path]
) -> list[Violation]:
    """Return the faults of lines that were not rows of the header's shape."""
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


def open_parquet(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, files: list[Path]
) -> list[Violation]:
    """Make the view `read <source>` over Parquet files; return the faults of files."""
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
            f"CREATE VIEW {read_name(table)} AS SELECT {_read_sql(source)} "
            f"FROM (SELECT {wanted} FROM read_parquet([{listed}], union_by_name = true))"
        )
    return faults
