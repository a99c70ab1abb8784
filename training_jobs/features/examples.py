"""The examples whose features are wanted, one file a customer shard."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training_jobs.features.sources import SHARD_FILE

KEYS = ("customer_id", "as_of")


@dataclass(frozen=True)
class Batch:
    """Neighbouring rows of one example file, whole customers.

    Attributes:
        keys: columns customer_id and as_of.
    """

    keys: pa.Table

    def by_as_of(self) -> Iterator[tuple[date, list[str], NDArray[np.int64]]]:
        """Yield each `as_of`, its customers in order, and their places in the batch."""
        stamps = self.keys["as_of"].combine_chunks()
        for as_of in sorted(pc.unique(stamps).to_pylist()):
            places = np.flatnonzero(pc.equal(stamps, as_of).to_numpy(zero_copy_only=False))
            customers = self.keys["customer_id"].take(pa.array(places)).to_pylist()
            yield as_of, customers, places


@dataclass(frozen=True)
class Examples:
    """The `examples` folder of a Phase 0 output."""

    folder: Path

    def read(self, shard: int, columns: tuple[str, ...]) -> pa.Table:
        """Return columns of one shard's examples, in file order."""
        return pq.read_table(self.folder / SHARD_FILE.format(shard=shard), columns=list(columns))

    def batches(self, shard: int, customers: int) -> Iterator[Batch]:
        """Yield a shard's rows by at most `customers` whole customers."""
        keys = self.read(shard, KEYS)
        ids = keys["customer_id"].to_numpy()
        if not len(ids):
            return
        starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
        cuts = [*starts[::customers].tolist(), len(ids)]
        for first, last in pairwise(cuts):
            yield Batch(keys.slice(first, last - first))

    def customers(self, shard: int) -> int:
        """Return the number of customers of a shard."""
        return len(pc.unique(self.read(shard, ("customer_id",))["customer_id"]))

    def train_customers(self, shards: tuple[int, ...], as_of: date) -> list[str]:
        """Return the customers of the train rows at `as_of`."""
        found: list[str] = []
        for shard in shards:
            table = self.read(shard, (*KEYS, "split"))
            chosen = pc.and_(pc.equal(table["split"], "train"), pc.equal(table["as_of"], as_of))
            found += table.filter(chosen)["customer_id"].to_pylist()
        return found

    def as_ofs(self, shards: tuple[int, ...]) -> dict[date, int]:
        """Return the number of rows of every `as_of`, in order of time."""
        counts: dict[date, int] = {}
        for shard in shards:
            for row in pc.value_counts(self.read(shard, ("as_of",))["as_of"]).to_pylist():
                counts[row["values"]] = counts.get(row["values"], 0) + row["counts"]
        return dict(sorted(counts.items()))
