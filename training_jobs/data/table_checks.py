"""Checks of the canonical tables that the SQL made: columns, values, keys, coverage, future."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from configs.settings.dataset import DatasetSettings
from training_jobs.data.engine import SOURCE_SCHEMA, examples, name, scalar, text, threads, use
from training_jobs.data.parts import deal, make_homes, part_sql
from training_jobs.data.schema import SCHEMAS, TIME_COLUMN
from training_jobs.data.violations import Violation

_PARENTS = {
    "customer_id": ("customers", "customer_id"),
    "product": ("products", "product"),
    "category": ("categories", "code"),
}


@dataclass(frozen=True)
class _Rule:
    """What no row of a table may be: `condition` holds, in SQL."""

    column: str
    condition: str
    says: str
    remedy: str
    identifying: bool = False


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

    def make(self) -> bool:
        """Run the table's SQL and deal the rows into shards; return whether that worked."""
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
            rows = deal(
                self.connection,
                self.table,
                sql,
                columns={column: rule.type for column, rule in self.schema.columns.items()},
                shards=self.settings.shards,
                most_threads=self.settings.limits.threads,
            )
        except duckdb.Error as error:
            self.add("", f"the SQL failed: {str(error).splitlines()[0][:200]}", 1, (), remedy)
            return False
        if not rows:
            self.add("", "no rows", 1, (), "check the file and the WHERE of the table's SQL")
        return rows > 0

    def rows(self, *, references: bool) -> None:
        """Check every row by itself, all rules in one scan; examples only of what is broken.

        Args:
            references: whether there are customers to look ids up in.
        """
        rules = [
            *self._values(),
            *(self._references() if references else ()),
            *self._dates(),
            *self._segments(),
        ]
        table = name(self.table)
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.condition})" for rule in rules)
        found = self.connection.execute(f"SELECT {counts} FROM {table}").fetchall()[0]
        for rule, count in zip(rules, found, strict=True):
            if count:
                quoted = name(rule.column)
                shown = examples(
                    self.connection,
                    f"SELECT DISTINCT CAST({quoted} AS VARCHAR) AS v FROM {table} "
                    f"WHERE {rule.condition} ORDER BY v NULLS FIRST LIMIT {self.limit}",
                )
                self.add(
                    rule.column,
                    rule.says,
                    count,
                    shown,
                    rule.remedy,
                    identifying=rule.identifying,
                )

    def _values(self) -> Iterator[_Rule]:
        """Missing values, ranges, allowed values."""
        for column, rule in self.schema.columns.items():
            quoted = name(column)
            if rule.required:
                yield _Rule(
                    column,
                    f"{quoted} IS NULL",
                    "missing values in a required column",
                    "deliver the values, or leave such rows out in the table's SQL",
                )
            if rule.check:
                yield _Rule(
                    column,
                    f"{quoted} IS NOT NULL AND NOT ({rule.check.replace('$', quoted)})",
                    f"values out of range ({rule.says})",
                    "correct the values, or map them in the table's SQL",
                    identifying=column == "customer_id",
                )

    def _references(self) -> Iterator[_Rule]:
        """Foreign keys to customers, products and categories."""
        for column, (parent, key) in _PARENTS.items():
            if column in self.schema.columns and parent != self.table:
                yield _Rule(
                    column,
                    f"{column} IS NOT NULL AND {column} NOT IN "
                    f"(SELECT {key} FROM {parent} WHERE {key} IS NOT NULL)",
                    f"orphans: not in {parent}.{key}",
                    f"deliver the missing {parent}, or map the values in the table's SQL",
                    identifying=column == "customer_id",
                )

    def _dates(self) -> Iterator[_Rule]:
        """Dates after the last month, and before the first."""
        column = TIME_COLUMN[self.table]
        after = text(str(self.settings.last + timedelta(days=1)))
        yield _Rule(
            column,
            f"{name(column)} >= CAST({after} AS DATE)",
            f"future dates (after {self.settings.last_month})",
            "leave the rows out in the table's SQL, or move last_month",
        )
        if self.table not in ("customers", "contacts"):
            start = text(f"{self.settings.first_month}-01")
            yield _Rule(
                column,
                f"{name(column)} < CAST({start} AS DATE)",
                f"dates before {self.settings.first_month}",
                "leave the rows out in the table's SQL, or move first_month",
            )

    def _segments(self) -> Iterator[_Rule]:
        """Segments outside the declared list."""
        if self.table == "customer_months":
            codes = ", ".join(text(segment.code) for segment in self.settings.segments)
            yield _Rule(
                "segment",
                "segment IS NOT NULL" + (f" AND segment NOT IN ({codes})" if codes else ""),
                "values that are not declared under segments",
                "declare the segment in the data set's YAML, or map it in the table's SQL",
            )

    def duplicates(self) -> None:
        """Look for keys that stand twice, shard by shard: equal keys share one."""
        if not self.schema.key:
            return
        keys = ", ".join(self.schema.key)
        shown = " || '/' || ".join(f"CAST({key} AS VARCHAR)" for key in self.schema.key)
        times, found = 0, set[str]()
        for shard in range(self.settings.shards):
            again = (
                f"SELECT {keys}, count(*) AS times "
                f"FROM {part_sql(self.connection, self.table, shard)} "
                f"GROUP BY {keys} HAVING times > 1"
            )
            if count := scalar(self.connection, f"SELECT sum(times - 1) FROM ({again})"):
                times += count
                listed = f"SELECT {shown} AS v FROM ({again}) ORDER BY v LIMIT {self.limit}"
                found |= set(examples(self.connection, listed))
        if times:
            self.add(
                keys,
                "duplicate keys",
                times,
                tuple(sorted(found)[: self.limit]),
                "deliver each key once",
                identifying=True,
            )

    def months(self) -> None:
        """Look for months without any row."""
        if self.table in ("customers", "contacts"):
            return
        column = name(TIME_COLUMN[self.table])
        present = {
            row[0]
            for row in self.connection.execute(
                f"SELECT DISTINCT CAST(last_day({column}) AS DATE) FROM {name(self.table)} "
                f"WHERE {column} IS NOT NULL"
            ).fetchall()
        }
        missing = [month for month in self.settings.months if month not in present]
        if missing:
            self.add(
                TIME_COLUMN[self.table],
                "months without a row",
                len(missing),
                tuple(f"{month:%Y-%m}" for month in missing[: self.limit]),
                "deliver the months, or move first_month and last_month",
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
    made = []
    for check in checks:
        if check.make():
            made.append(check)
        if check.table == "customers":
            make_homes(connection, settings.shards, known=check in made)
    known = any(check.table == "customers" for check in made)
    with threads(connection, settings.limits.threads):
        for check in made:
            check.rows(references=known)
            if known:
                check.duplicates()
            check.months()
    return [fault for check in checks for fault in check.faults]
