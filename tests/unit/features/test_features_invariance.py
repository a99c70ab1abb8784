"""Values depend on the customer alone: not on batches, shards, threads or the order of rows."""

import random
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from training_jobs.features.cut import Limits, cut
from training_jobs.features.examples import KEYS, Examples
from training_jobs.features.model import Clock
from training_jobs.features.shards import transform, write_shard
from training_jobs.features.store import broadcast, fitted_files


def by_key(table: pa.Table) -> list[bank.Row]:
    """Return the rows in the order of their keys."""
    return table.sort_by([(key, "ascending") for key in KEYS]).to_pylist()


@pytest.mark.parametrize(("size", "batches"), [(1, 6), (7, 2)])
def test_batches_do_not_matter(tables: Path, clean: Clean, size: int, batches: int) -> None:
    """The first batches of a shard, of one customer or of seven, have the bytes of the whole."""
    parts: dict[str, list[pa.Table]] = {}
    shard = bank.sources(tables).shard(0)
    for batch in islice(Examples(clean.output / "examples").batches(0, size), batches):
        for name, table in transform(
            clean.made.model, shard, batch, limits=bank.LIMITS, tallies={}, clock=Clock()
        ).items():
            parts.setdefault(name, []).append(table)
    assert set(parts) == {"features", "events", "incidence"}
    for name, made in parts.items():
        written = pq.read_table(clean.output / name / "part-00000.parquet")
        joined = pa.concat_tables(made).combine_chunks()
        assert joined.num_rows == size * batches * 5
        assert joined.equals(written.slice(0, joined.num_rows).combine_chunks()), name


def test_shards_do_not_matter(tables: Path, tmp_path: Path, clean: Clean) -> None:
    one = bank.write_tables(tmp_path / "tables", bank.standard(), shards=1)
    output = bank.write_examples(tmp_path / "output", bank.standard(), shards=1)
    bank.run(one, output, bank.features())
    for name in ("features", "events", "incidence"):
        whole = pq.read_table(output / name / "part-00000.parquet")
        parts = pa.concat_tables(
            pq.read_table(path) for path in sorted((clean.output / name).glob("*.parquet"))
        )
        assert by_key(whole) == by_key(parts), name
    for path in sorted((clean.output / "fitted").iterdir()):
        assert path.read_bytes() == (output / "fitted" / path.name).read_bytes(), path.name


def test_order_of_rows_and_threads_do_not_matter(tables: Path, tmp_path: Path) -> None:
    rows = bank.make_bank()
    random.Random(1).shuffle(rows.transactions)
    random.Random(2).shuffle(rows.holdings)
    random.Random(3).shuffle(rows.customer_months)
    folder = tmp_path / "tables"
    for table in ("customers", "customer_months", "holdings", "transactions"):
        bank._write(folder / table / "part-00000.parquet", rows.of(table), bank.SCHEMAS[table])
    sorted_bank = bank.write_tables(tmp_path / "sorted", bank.standard(), shards=1)
    settings = bank.features(threads=2)
    model = bank.fitted(sorted_bank, settings, shards=1)
    shuffled = bank.fitted(folder, settings, shards=1)
    assert fitted_files(model) == fitted_files(shuffled)
    customers = [row["customer_id"] for row in rows.customers]

    def blocks(where: Path, threads: int) -> tuple[bytes, list[pa.Array]]:
        with cut(
            bank.sources(where, 1),
            customers=customers,
            as_of=bank.CUTOFF,
            lookback_months=12,
            limits=Limits("256MB", threads),
        ) as view:
            values = model.values(view, {}, Clock())
            lists = [array for made in model.lists(view, {}, Clock()).values() for array in made]
        return values.tobytes(), lists

    assert blocks(sorted_bank, 1) == blocks(folder, 2)


def test_a_lost_shard_is_redone_alone_with_the_same_bytes(
    tables: Path, tmp_path: Path, clean: Clean
) -> None:
    """As another instance would: examples of the shard and the fitted files, nothing else."""
    part = "part-00001.parquet"
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / part).write_bytes((clean.output / "examples" / part).read_bytes())
    model = broadcast(clean.made.model, clean.output / "fitted")
    rows = write_shard(
        model,
        bank.sources(tables),
        1,
        output=tmp_path,
        batch_customers=20_000,
        limits=bank.LIMITS,
        tallies={},
        clock=Clock(),
    )
    assert rows == pq.read_table(clean.output / "examples" / part).num_rows
    for name in ("features", "events", "incidence"):
        assert [path.name for path in (tmp_path / name).iterdir()] == [part]
        assert (tmp_path / name / part).read_bytes() == (clean.output / name / part).read_bytes()


def test_an_empty_shard_has_files_with_the_same_columns(
    tables: Path, clean: Clean, tmp_path: Path
) -> None:
    (tmp_path / "examples").mkdir()
    examples = pq.read_table(clean.output / "examples" / "part-00000.parquet")
    pq.write_table(examples.slice(0, 0), tmp_path / "examples" / "part-00000.parquet")
    write_shard(
        clean.made.model,
        bank.sources(tables),
        0,
        output=tmp_path,
        batch_customers=10,
        limits=bank.LIMITS,
        tallies={},
        clock=Clock(),
    )
    for name in ("features", "events", "incidence"):
        made = pq.read_table(tmp_path / name / "part-00000.parquet")
        assert made.num_rows == 0
        assert made.schema.equals(pq.read_schema(clean.output / name / "part-00000.parquet"))


def test_rows_are_those_of_the_examples_in_their_order(clean: Clean) -> None:
    for path in sorted((clean.output / "examples").glob("*.parquet")):
        keys = pq.read_table(path, columns=list(KEYS))
        for name in ("features", "events", "incidence"):
            assert pq.read_table(clean.output / name / path.name, columns=list(KEYS)).equals(keys)


def test_a_row_is_its_own_as_of(tables: Path, clean: Clean) -> None:
    """Rows of several dates are dealt back to their places, not merely concatenated."""
    table = pq.read_table(clean.output / "features" / "part-00000.parquet").to_pylist()
    tenure = {(row["customer_id"], row["as_of"]): row["tenure_months"] for row in table}
    joined = {row["customer_id"]: row["joined_on"] for row in bank.standard().customers}
    compared = 0
    for (customer, as_of), months in tenure.items():
        start = joined[customer]
        if start is not None:
            compared += 1
            assert months == (as_of.year - start.year) * 12 + as_of.month - start.month
    assert compared > 50
    assert len({as_of for _, as_of in tenure}) == 5
    assert np.isfinite([months for months in tenure.values() if months is not None]).all()
