"""Checks of the canonical tables that the SQL made: columns, values, keys, coverage, future."""

from datetime import timedelta

import duckdb

from configs.settings.dataset import DatasetSettings
from training_jobs.data.engine import BANK_SCHEMA, SOURCE_SCHEMA, examples, name, scalar, text, use
from training_jobs.data.schema import SCHEMAS, TIME_COLUMN
from training_jobs.data.violations import Violation


class _TableCheck:
    """All checks of one table; `faults` fills up."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: DatasetSettings, table: str
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.table = table
        self.schema = SCHEMAS[table]
        self.file = settings.sources[settings.tables[table].source].path
        self.limit = settings.limits.examples
        self.faults: list[Violation] = []

    def add(
        self,
        column: str,
        rule: str,
        count: int,
        shown: tuple[str, ...],
        remedy: str,
        *,
        identifying: bool = False,
    ) -> None:
        """Note a fault of this table."""
        self.faults.append(
            Violation(
                self.file, self.table, column, rule, count, shown, remedy, identifying=identifying
            )
        )

    def rows_where(
        self, column: str, condition: str, *, rule: str, remedy: str, identifying: bool = False
    ) -> None:
        """Report rows of the table in which a condition holds."""
        quoted = name(column)
        where = f"FROM {name(self.table)} WHERE {condition}"
        if count := scalar(self.connection, f"SELECT count(*) {where}"):
            shown = examples(
                self.connection,
                f"SELECT DISTINCT CAST({quoted} AS VARCHAR) AS v {where} "
                f"ORDER BY v NULLS FIRST LIMIT {self.limit}",
            )
            self.add(column, rule, count, shown, remedy, identifying=identifying)

    def make(self) -> bool:
        """Run the table's SQL into a table of its name; return whether that worked."""
        sql = self.settings.tables[self.table].sql
        remedy = f"correct tables.{self.table}.sql in the data set's YAML"
        try:
            use(self.connection, SOURCE_SCHEMA)
            described = self.connection.execute(f"DESCRIBE {sql}").fetchall()
            found = [str(row[0]) for row in described]
            wanted = list(self.schema.columns)
            for column in sorted(set(wanted) ^ set(found)):
                rule = "missing column" if column in wanted else "column that the table has not"
                self.add(column, rule, 1, (), remedy)
            if self.faults:
                return False
            columns = ", ".join(
                f"CAST({name(column)} AS {rule.type}) AS {name(column)}"
                for column, rule in self.schema.columns.items()
            )
            self.connection.execute(
                f"CREATE TABLE {BANK_SCHEMA}.{name(self.table)} AS SELECT {columns} FROM ({sql})"
            )
        except duckdb.Error as error:
            self.add("", f"the SQL failed: {str(error).splitlines()[0][:200]}", 1, (), remedy)
            return False
        finally:
            use(self.connection, BANK_SCHEMA)
        if scalar(self.connection, f"SELECT count(*) FROM {name(self.table)}") == 0:
            self.add("", "no rows", 1, (), "check the file and the WHERE of the table's SQL")
            return False
        return True

    def values(self) -> None:
        """Missing values, ranges, allowed values."""
        for column, rule in self.schema.columns.items():
            quoted = name(column)
            identifying = column == "customer_id"
            if rule.required:
                self.rows_where(
                    column, f"{quoted} IS NULL",
                    rule="missing values in a required column",
                    remedy="deliver the values, or leave such rows out in the table's SQL",
                )  # fmt: skip
            if rule.check:
                broken = rule.check.replace("$", quoted)
                self.rows_where(
                    column,
                    f"{quoted} IS NOT NULL AND NOT ({broken})",
                    rule=f"values out of range ({rule.says})",
                    remedy="correct the values, or map them in the table's SQL",
                    identifying=identifying,
                )

    def keys(self) -> None:
        """Unique key and foreign keys to customers, products and categories."""
        if self.schema.key:
            keys = ", ".join(self.schema.key)
            again = (
                f"SELECT {keys}, count(*) AS times FROM {name(self.table)} "
                f"GROUP BY {keys} HAVING times > 1"
            )
            if count := scalar(self.connection, f"SELECT sum(times - 1) FROM ({again})"):
                shown = " || '/' || ".join(f"CAST({key} AS VARCHAR)" for key in self.schema.key)
                self.add(
                    keys,
                    "duplicate keys",
                    count,
                    examples(
                        self.connection,
                        f"SELECT {shown} AS v FROM ({again}) ORDER BY v LIMIT {self.limit}",
                    ),
                    "deliver each key once",
                    identifying=True,
                )
        parents = {"customer_id": ("customers", "customer_id"), "product": ("products", "product")}
        parents["category"] = ("categories", "code")
        for column, (parent, key) in parents.items():
            if column in self.schema.columns and parent != self.table:
                self.rows_where(
                    column,
                    f"{column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {parent})",
                    rule=f"orphans: not in {parent}.{key}",
                    remedy=f"deliver the missing {parent}, or map the values in the table's SQL",
                    identifying=column == "customer_id",
                )

    def time(self) -> None:
        """Dates after the last month, dates before the first, and months without any row."""
        column = TIME_COLUMN[self.table]
        after = text(str(self.settings.last + timedelta(days=1)))
        self.rows_where(
            column,
            f"{name(column)} >= CAST({after} AS DATE)",
            rule=f"future dates (after {self.settings.last_month})",
            remedy="leave the rows out in the table's SQL, or move last_month",
        )
        if self.table in ("customers", "contacts"):
            return
        start = text(f"{self.settings.first_month}-01")
        self.rows_where(
            column,
            f"{name(column)} < CAST({start} AS DATE)",
            rule=f"dates before {self.settings.first_month}",
            remedy="leave the rows out in the table's SQL, or move first_month",
        )
        present = {
            row[0]
            for row in self.connection.execute(
                f"SELECT DISTINCT CAST(last_day({name(column)}) AS DATE) FROM {name(self.table)} "
                f"WHERE {name(column)} IS NOT NULL"
            ).fetchall()
        }
        missing = [month for month in self.settings.months if month not in present]
        if missing:
            shown = tuple(f"{month:%Y-%m}" for month in missing[: self.limit])
            self.add(
                column, "months without a row", len(missing), shown,
                "deliver the months, or move first_month and last_month",
            )  # fmt: skip

    def declared(self) -> None:
        """Segments outside the declared list."""
        if self.table != "customer_months":
            return
        codes = ", ".join(text(segment.code) for segment in self.settings.segments)
        allowed = f"segment NOT IN ({codes})" if codes else "true"
        self.rows_where(
            "segment",
            f"segment IS NOT NULL AND {allowed}",
            rule="values that are not declared under segments",
            remedy="declare the segment in the data set's YAML, or map it in the table's SQL",
        )


def make_tables(
    connection: duckdb.DuckDBPyConnection, settings: DatasetSettings
) -> list[Violation]:
    """Run the SQL of every canonical table and return all faults found.

    Needs the source views and the tables `products` and `categories` in the database.
    """
    checks = [
        _TableCheck(connection, settings, table) for table in SCHEMAS if table in settings.tables
    ]
    made = [check for check in checks if check.make()]
    known = {check.table for check in made}
    for check in made:
        check.values()
        if "customers" in known:
            check.keys()
        check.time()
        check.declared()
    return [fault for check in checks for fault in check.faults]
