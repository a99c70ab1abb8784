"""Transforming one customer shard: the unit of work, on one machine or on many."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training_jobs.features.cut import CutView, Limits, cut
from training_jobs.features.examples import KEYS, Batch, Examples
from training_jobs.features.generator import FloatArray
from training_jobs.features.model import Clock, FeatureModel, Tallies
from training_jobs.features.reading import FEATURES
from training_jobs.features.sources import SHARD_FILE, Sources
from training_jobs.features.workers import Workers

COMPRESSION = "zstd"
CUT, EVENTS, WRITE = "cut", "events read", "write"
"""What is timed beside groups and side tensors."""


def transform(
    model: FeatureModel,
    sources: Sources,
    batch: Batch,
    *,
    limits: Limits,
    tallies: Tallies,
    clock: Clock,
) -> dict[str, pa.Table]:
    """Return the tables `features` and one for every side tensor, rows as in `batch`."""
    values = np.zeros((batch.keys.num_rows, len(model.stored)), np.float32)
    lists: dict[str, list[tuple[pa.Array, ...]]] = {
        item.settings.name: [] for item in model.tensors
    }
    order: list[NDArray[np.int64]] = []
    for as_of, customers, places in batch.by_as_of():
        with timed_cut(
            sources, model, customers=customers, as_of=as_of, limits=limits, clock=clock
        ) as view:
            with clock.of(EVENTS):
                view.events  # noqa: B018 - read here, so that no group is charged for all others
            values[places] = model.values(view, tallies, clock)
            for name, arrays in model.lists(view, tallies, clock).items():
                lists[name].append(arrays)
        order.append(places)
    tables = {FEATURES: _feature_table(batch.keys, model, values)}
    back = pa.array(np.argsort(np.concatenate(order), kind="stable"))
    for item in model.tensors:
        made = lists[item.settings.name]
        table = batch.keys
        for place, field in enumerate(item.tensor.fields(item.fitted)):
            joined = pa.concat_arrays([arrays[place] for arrays in made]).take(back)
            table = table.append_column(field, joined)
        tables[item.settings.name] = table
    return tables


@contextmanager
def timed_cut(
    sources: Sources,
    model: FeatureModel,
    *,
    customers: Sequence[str],
    as_of: date,
    limits: Limits,
    clock: Clock,
) -> Iterator[CutView]:
    """Cut a view as the model needs it; its time is its own."""
    with ExitStack() as stack:
        with clock.of(CUT):
            view = stack.enter_context(
                cut(
                    sources,
                    customers=customers,
                    as_of=as_of,
                    lookback_months=model.bank.lookback_months,
                    limits=limits,
                )
            )
        yield view


def _feature_table(keys: pa.Table, model: FeatureModel, values: FloatArray) -> pa.Table:
    made = [
        pa.array(np.ascontiguousarray(column), pa.float32(), from_pandas=True)
        for column in values.T
    ]
    names = [column.name for column in model.stored]
    return pa.table([*keys.columns, *made], [*keys.column_names, *names])


def write_shard(
    model: FeatureModel,
    sources: Sources,
    shard: int,
    *,
    output: Path,
    batch_customers: int,
    limits: Limits,
    tallies: Tallies,
    clock: Clock,
) -> int:
    """Write one shard's features and side tensors beside its examples; return the rows written.

    Files appear under their names only once complete, so an interrupted shard is redone alone.
    """
    examples = Examples(output / "examples")
    writers: dict[str, pq.ParquetWriter] = {}
    rows = 0
    try:
        for batch in examples.batches(shard, batch_customers):
            tables = transform(
                model,
                sources.shard(shard),
                batch,
                limits=limits,
                tallies=tallies,
                clock=clock,
            )
            with clock.of(WRITE):
                for name, table in tables.items():
                    _write(writers, output / name, shard, table)
            rows += batch.keys.num_rows
        if not rows:
            for name, table in _empty(model, examples.read(shard, KEYS)).items():
                _write(writers, output / name, shard, table)
    finally:
        for writer in writers.values():
            writer.close()
    for name in writers:
        path = output / name / SHARD_FILE.format(shard=shard)
        path.with_suffix(".partial").rename(path)
    return rows


def _write(writers: dict[str, pq.ParquetWriter], folder: Path, shard: int, table: pa.Table) -> None:
    if folder.name not in writers:
        folder.mkdir(parents=True, exist_ok=True)
        path = (folder / SHARD_FILE.format(shard=shard)).with_suffix(".partial")
        writers[folder.name] = pq.ParquetWriter(path, table.schema, compression=COMPRESSION)
    writers[folder.name].write_table(table)


def _empty(model: FeatureModel, keys: pa.Table) -> dict[str, pa.Table]:
    columns = [pa.field(column.name, pa.float32()) for column in model.stored]
    tables = {FEATURES: pa.schema([*keys.schema, *columns]).empty_table()}
    for item in model.tensors:
        fields = item.tensor.fields(item.fitted)
        tables[item.settings.name] = pa.schema([*keys.schema, *fields]).empty_table()
    return tables


def tally(
    model: FeatureModel,
    sources: Sources,
    examples: Examples,
    *,
    batch_customers: int,
    limits: Limits,
    workers: Workers,
    clock: Clock,
) -> Tallies:
    """Return the integer counts of all customers of every `as_of`, for inputs that ask for them."""
    sums: dict[tuple[str, date], NDArray[np.int64]] = {}
    if not model.tallied():
        return sums
    job = partial(
        _tally_shard, model, sources, examples, batch_customers=batch_customers, limits=limits
    )
    for counted, spent in workers(job, sources.shards):
        _add(sums, counted)
        clock.add(spent.seconds)
    return sums


def _tally_shard(
    model: FeatureModel,
    sources: Sources,
    examples: Examples,
    shard: int,
    *,
    batch_customers: int,
    limits: Limits,
) -> tuple[Tallies, Clock]:
    clock = Clock()
    sums: dict[tuple[str, date], NDArray[np.int64]] = {}
    for batch in examples.batches(shard, batch_customers):
        _add(sums, tally_batch(model, sources.shard(shard), batch, limits=limits, clock=clock))
    return sums, clock


def _add(sums: dict[tuple[str, date], NDArray[np.int64]], counted: Tallies) -> None:
    for key, counts in counted.items():
        sums[key] = sums[key] + counts if key in sums else counts


def tally_batch(
    model: FeatureModel, sources: Sources, batch: Batch, *, limits: Limits, clock: Clock
) -> dict[tuple[str, date], NDArray[np.int64]]:
    """Return the counts of one batch by input and `as_of`."""
    counted: dict[tuple[str, date], NDArray[np.int64]] = {}
    makers = model.tallied()
    if not makers:
        return counted
    for as_of, customers, _ in batch.by_as_of():
        with timed_cut(
            sources, model, customers=customers, as_of=as_of, limits=limits, clock=clock
        ) as view:
            for name, maker, fitted in makers:
                with clock.of(name):
                    counted[name, as_of] = maker.tally(view, fitted)
    return counted
