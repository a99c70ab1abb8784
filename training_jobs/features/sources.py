"""Where the canonical tables of a job are, and how they look after an alteration of the future."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

SHARD_FILE = "part-{shard:05d}.parquet"
Change = Literal["delete", "mutate"]

MUTATIONS = {
    "customer_months": {
        "segment": "reverse(segment) || '~'",
        "income": "income * 3 + 7",
        "channel": "reverse(channel) || '~'",
        "region": "reverse(region) || '~'",
        "active": "NOT active",
    },
    "holdings": {"product": "reverse(product) || '~'"},
    "transactions": {
        "amount": "amount * 3 + 7",
        "direction": "CASE direction WHEN 'debit' THEN 'credit' ELSE 'debit' END",
        "category": "reverse(category) || '~'",
        "channel": "reverse(channel) || '~'",
        "merchant": "reverse(merchant) || '~'",
    },
    "contacts": {"product": "reverse(product) || '~'", "propensity": "1 - propensity"},
}
"""What becomes of the columns of a later row: nothing in it stays what it was but its time."""

TIMES = {"customer_months": "month", "holdings": "month", "transactions": "ts", "contacts": "ts"}
"""Tables whose rows have a time, and the column it is in."""


@dataclass(frozen=True)
class Sources:
    """The tables folder of the preparation job, or some shards of it.

    Attributes:
        folder: holds `<table>/part-NNNNN.parquet`.
        shards: customer shards to read.
        change: what is done to rows later than `after`, if anything.
        after: the last day that is left as it is.
    """

    folder: Path
    shards: tuple[int, ...]
    change: Change | None = None
    after: date | None = None

    def shard(self, shard: int) -> "Sources":
        """Return the same tables, one shard of them."""
        return replace(self, shards=(shard,))

    def some(self, shards: tuple[int, ...]) -> "Sources":
        """Return the same tables, some shards of them."""
        return replace(self, shards=shards)

    def altered(self, change: Change, after: date) -> "Sources":
        """Return the same tables with all later rows deleted or mutated."""
        return replace(self, change=change, after=after)

    def files(self, table: str) -> list[Path]:
        """Return the files of a table, in shard order; none where the bank does not have it."""
        paths = [self.folder / table / SHARD_FILE.format(shard=shard) for shard in self.shards]
        return [path for path in paths if path.is_file()]

    def select(self, table: str) -> str | None:
        """Return a SELECT over the rows of a table, None where the bank does not have it."""
        files = self.files(table)
        if not files:
            return None
        rows = f"SELECT * FROM read_parquet({_list(files)})"
        if self.change is None or table not in TIMES:
            return rows
        later = f"CAST({TIMES[table]} AS DATE) > DATE '{self.after}'"
        if self.change == "delete":
            return f"SELECT * FROM ({rows}) WHERE NOT ({later})"
        present = _columns(files[0])
        replaced = ", ".join(
            f"CASE WHEN {later} THEN {mutation} ELSE {name} END AS {name}"
            for name, mutation in MUTATIONS[table].items()
            if name in present
        )
        return f"SELECT * REPLACE ({replaced}) FROM ({rows})"


def find(folder: Path) -> Sources:
    """Return all shards of the tables in `folder`, by the files of `customers`."""
    names = sorted(path.stem for path in (folder / "customers").glob("part-*.parquet"))
    return Sources(folder, tuple(int(name.removeprefix("part-")) for name in names))


def _list(files: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    return f"[{quoted}]"


def _columns(path: Path) -> set[str]:
    return set(pq.read_schema(path).names)
