"""A generated bank opened for counting, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from configs.errors import DataContractError
from configs.settings.dataset import Catalogue
from training_jobs.data.engine import text
from training_jobs.data.synthetic.bank import DATA_TABLES, TRUTH_TABLES

MEMORY = "2GB"
THREADS = 2

Rows = list[dict[str, Any]]


class Source:
    """The tables of a bank and of its ground truth as views."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep a connection whose views are there."""
        self._connection = connection

    def rows(self, sql: str) -> Rows:
        """Return the rows of a query by column name."""
        found = self._connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, sql: str) -> Any:
        """Return the single value of a query."""
        return next(iter(self.rows(sql)[0].values()))


@contextmanager
def open_source(data: Path, truth: Path, catalogue: Catalogue) -> Iterator[Source]:
    """Open a bank; counting spills to a scratch folder beyond `MEMORY`.

    Args:
        data: its data folder.
        truth: its ground truth.
        catalogue: its products; a view `products` tells their groups.

    Raises:
        DataContractError: a table is missing.
    """
    with TemporaryDirectory(prefix="sevenlens-card-") as scratch, duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = {text(MEMORY)}")
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"SET temp_directory = {text(scratch)}")
        connection.execute("SET enable_progress_bar = false")
        for folder, tables in ((data, DATA_TABLES), (truth, TRUTH_TABLES)):
            for table in tables:
                if not any((folder / table).glob("*.parquet")):
                    raise DataContractError(
                        f"{folder} has no table '{table}'",
                        remedy="name the folders that the generator wrote by --data and --truth",
                    )
                files = text(folder / table / "*.parquet")
                connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({files})")
        values = ", ".join(f"({text(p.product)}, {text(p.group)})" for p in catalogue.products)
        connection.execute(f'CREATE TABLE products(product, "group") AS VALUES {values}')
        yield Source(connection)
