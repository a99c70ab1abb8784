"""Cut views: all that a generator is ever given. Rows after `as_of` are not in them.

A view is an in-memory DuckDB database into which the rows of one population, up to the end of
`as_of` and no older than the look-back, have been copied; it is then locked, so that no SQL of a
generator can reach a file.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from configs.settings.months import shift
from training_jobs.features.history import SQL as EVENTS
from training_jobs.features.history import EventHistory, event_history
from training_jobs.features.sources import TIMES, Sources

T = TypeVar("T")
COLUMNS = {
    "customers": {"birth_year": "INTEGER", "gender": "VARCHAR", "joined_on": "DATE"},
    "customer_months": {
        "month": "DATE",
        "segment": "VARCHAR",
        "income": "BIGINT",
        "channel": "VARCHAR",
        "region": "VARCHAR",
        "active": "BOOLEAN",
    },
    "holdings": {"month": "DATE", "product": "VARCHAR"},
    "transactions": {
        "ts": "TIMESTAMP",
        "amount": "BIGINT",
        "direction": "VARCHAR",
        "category": "VARCHAR",
        "channel": "VARCHAR",
        "merchant": "VARCHAR",
    },
    "contacts": {"ts": "TIMESTAMP", "product": "VARCHAR", "propensity": "DOUBLE"},
}
"""What a view holds of each table, beside `row` and, of dated ones, `back`."""


@dataclass(frozen=True)
class Limits:
    """DuckDB memory limit, and threads, of one view."""

    memory: str
    threads: int


@dataclass(frozen=True)
class CutView:
    """The rows of some customers that lie in (as_of - look-back, as_of].

    Tables of the connection: those of `COLUMNS`, with `row` (INTEGER, index of the customer) in
    place of the customer id and, where dated, `back` (INTEGER, 0 = the month, or for `ts` the day,
    of `as_of`; 1 = the one before). A table the bank does not have is empty.

    Attributes:
        customers: customer ids in row order.
        start: first day inside the look-back.
        threads: that work on this view may use; no value depends on it.
    """

    as_of: date
    start: date
    customers: tuple[str, ...]
    threads: int
    _connection: duckdb.DuckDBPyConnection

    @property
    def rows(self) -> int:
        """Number of customers."""
        return len(self.customers)

    @property
    def days(self) -> int:
        """Calendar days of the look-back."""
        return (self.as_of - self.start).days + 1

    @cached_property
    def events(self) -> EventHistory:
        """All events of the view, oldest first, read at the first call."""
        table = self._connection.sql(EVENTS, params={"as_of": self.as_of}).to_arrow_table()
        return event_history(table, self.rows)

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returns, called only once for `key`; it lives as long as the view.

        Args:
            key: names the result and everything it depends on beside the view.
            make: makes it; callers must not change it.
        """
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def query(self, sql: str, **parameters: Any) -> dict[str, NDArray[Any]]:
        """Run a SELECT; return columns as arrays, null numbers as NaN (float64), null text as None.

        Args:
            sql: DuckDB SQL over the tables of the view, `$name` for parameters.
            parameters: values of the parameters.
        """
        found = self._connection.execute(sql, parameters or None).fetchnumpy()
        return {name: _plain(values) for name, values in found.items()}

    def scatter(self, sql: str, columns: Sequence[str], **parameters: Any) -> NDArray[np.float64]:
        """Run a SELECT of `row` and `columns` and place its rows; others are NaN.

        Returns:
            Array of shape (rows, len(columns)).
        """
        found = self.query(sql, **parameters)
        values = np.full((self.rows, len(columns)), np.nan)
        rows = found["row"].astype(np.int64)
        for position, name in enumerate(columns):
            values[rows, position] = found[name].astype(np.float64)
        return values


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    text = values.dtype.kind == "O"
    plain: NDArray[Any] = np.asarray(values.data, dtype=object if text else np.float64).copy()
    plain[np.ma.getmaskarray(values)] = None if text else np.nan
    return plain


@contextmanager
def cut(
    sources: Sources,
    *,
    customers: Sequence[str],
    as_of: date,
    lookback_months: int,
    limits: Limits,
) -> Iterator[CutView]:
    """Materialise and lock the view of `customers` at `as_of`.

    Args:
        sources: where the canonical tables are.
        customers: unique customer ids; their order is the row order.
        as_of: a month end; the whole day belongs to the view.
        lookback_months: months of history, counted back from `as_of`.
        limits: bounds of the database.
    """
    before = shift(as_of, -lookback_months)
    with TemporaryDirectory(prefix="sevenlens-cut-") as spill, duckdb.connect() as connection:
        connection.execute("SET temp_directory=$spill", {"spill": spill})
        connection.execute("SET enable_progress_bar=false")
        connection.execute(f"SET memory_limit='{limits.memory}'")
        connection.execute(f"SET threads={limits.threads}")
        population = pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "row": pa.array(np.arange(len(customers)), pa.int32()),
            }
        )
        connection.register("given", population)
        connection.execute("CREATE TABLE population AS SELECT * FROM given")
        connection.unregister("given")
        for table in COLUMNS:
            _materialise(connection, sources.select(table), table, before=before, as_of=as_of)
        connection.execute("DROP TABLE population")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        yield CutView(
            as_of, before + timedelta(days=1), tuple(customers), limits.threads, connection
        )


def _materialise(
    connection: duckdb.DuckDBPyConnection,
    select: str | None,
    table: str,
    *,
    before: date,
    as_of: date,
) -> None:
    time = TIMES.get(table)
    if select is None:
        columns = {"row": "INTEGER", **COLUMNS[table], **({"back": "INTEGER"} if time else {})}
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE {table} ({listed})")
        return
    present = {row[0] for row in connection.execute(f"DESCRIBE {select}").fetchall()}
    listed = ", ".join(
        f"CAST({f't.{name}' if name in present else 'NULL'} AS {kind}) AS {name}"
        for name, kind in COLUMNS[table].items()
    )
    statement = f"CREATE TABLE {table} AS SELECT p.row, {listed}"
    parameters: dict[str, Any] = {}
    if time is not None:
        unit = "month" if time == "month" else "day"
        statement += (
            f", CAST(date_diff('{unit}', CAST(t.{time} AS DATE), $as_of) AS INTEGER) AS back"
        )
        parameters = {"as_of": as_of, "before": before}
    statement += f" FROM ({select}) t JOIN population p USING (customer_id)"
    if time is not None:
        # A stamp on the last day belongs to the view, one at the next midnight does not.
        statement += f" WHERE CAST(t.{time} AS DATE) > $before AND CAST(t.{time} AS DATE) <= $as_of"
    connection.execute(statement, parameters or None)
