"""Time travel: what a later row may change. Deleting or altering the future must change nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from configs.contracts.artefacts import Check
from training_jobs.features.cut import Limits, cut
from training_jobs.features.examples import KEYS, Batch, Examples
from training_jobs.features.model import Clock, FeatureModel, Tallies
from training_jobs.features.shards import FEATURES, transform
from training_jobs.features.sources import SHARD_FILE, Change, Sources

CHANGES: tuple[Change, ...] = ("delete", "mutate")


def sample_rows(
    model: FeatureModel, output: Path, shards: Sequence[int], *, customers: int
) -> dict[str, pa.Table]:
    """Return the written rows of up to `customers` customers, chosen by hash over all shards.

    Returns:
        `features` and every side tensor, the same rows in the same order.
    """
    examples = Examples(output / "examples")
    everyone = {
        customer: shard
        for shard in shards
        for customer in pc.unique(examples.read(shard, ("customer_id",))["customer_id"]).to_pylist()
    }
    chosen = sorted(everyone, key=lambda one: hashlib.sha256(one.encode()).digest())[:customers]
    names = (FEATURES, *(item.settings.name for item in model.tensors))
    parts: dict[str, list[pa.Table]] = {name: [] for name in names}
    for shard in shards:
        wanted = pa.array([one for one in chosen if everyone[one] == shard], pa.string())
        for name in names:
            table = pq.read_table(output / name / SHARD_FILE.format(shard=shard))
            parts[name].append(table.filter(pc.is_in(table["customer_id"], value_set=wanted)))
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def time_travel(
    model: FeatureModel,
    sources: Sources,
    output: Path,
    *,
    customers: int,
    limits: Limits,
    tallies: Tallies,
) -> list[Check]:
    """Make sampled rows again from tables whose later rows are gone or altered, and compare.

    For every `as_of` all rows after it are deleted (then mutated) in every dated table, and the
    features and side tensors of the sample are made from what is left. The state of all customers
    is a sum of what each brings in, so it is enough that what the sample brings in is the same:
    counting everyone again for every change and date would cost as much as all the features.

    Args:
        tallies: the state the written rows were made with.

    Returns:
        One blocking check a change; its value is the number of cells that differ.
    """
    sample = sample_rows(model, output, sources.shards, customers=customers)
    stamps = sample[FEATURES]["as_of"]
    checks = []
    for change in CHANGES:
        cells = 0
        differing: dict[str, int] = {}
        for as_of in sorted(pc.unique(stamps).to_pylist()):
            written = {
                name: table.filter(pc.equal(stamps, as_of)) for name, table in sample.items()
            }
            altered = sources.altered(change, as_of)
            batch = Batch(written[FEATURES].select(list(KEYS)))
            again = transform(model, altered, batch, limits=limits, tallies=tallies, clock=Clock())
            cells += sum(table.num_rows * (table.num_columns - 2) for table in again.values())
            found = _differences(written, again)
            found |= _state_differences(model, sources, altered, batch, limits=limits)
            for name, count in found.items():
                differing[name] = differing.get(name, 0) + count
        checks.append(_travel_check(change, cells, differing))
    return checks


def _state_differences(
    model: FeatureModel, sources: Sources, altered: Sources, batch: Batch, *, limits: Limits
) -> dict[str, int]:
    """Return the number of differing counts, by input, in what the customers bring into them."""
    counts: dict[str, int] = {}
    makers = model.tallied()
    if not makers:
        return counts
    for as_of, customers, _ in batch.by_as_of():
        made = []
        for tables in (sources, altered):
            with cut(
                tables,
                customers=customers,
                as_of=as_of,
                lookback_months=model.bank.lookback_months,
                limits=limits,
            ) as view:
                made.append([maker.tally(view, fitted) for _, maker, fitted in makers])
        for (name, _, _), before, after in zip(makers, *made, strict=True):
            counts[f"{name}.tally"] = int((before != after).sum())
    return counts


def _travel_check(change: Change, cells: int, differing: Mapping[str, int]) -> Check:
    reached = ", ".join(sorted(name for name, count in differing.items() if count))
    verdict = f"later rows reach: {reached}" if reached else "later rows change nothing"
    return Check(
        name=f"leakage.time_travel.{change}",
        passed=cells > 0 and not reached,
        blocking=True,
        value=float(sum(differing.values())) if cells else None,
        bound="= 0",
        detail=f"{cells} cells compared; {verdict}",
    )


def _differences(written: Mapping[str, pa.Table], again: Mapping[str, pa.Table]) -> dict[str, int]:
    """Return the number of differing cells by column; bit for bit, missing equal to missing."""
    counts = {}
    for name, table in again.items():
        for column in table.column_names[2:]:
            before = written[name][column].to_pylist()
            after = table[column].to_pylist()
            counts[f"{name}.{column}"] = sum(
                old != new for old, new in zip(before, after, strict=True)
            )
    return counts


def fit_cutoff_check(
    files: Mapping[str, bytes], refitted: Mapping[Change, Mapping[str, bytes]]
) -> Check:
    """Compare the fitted files with those fitted on tables without, and with another, future."""
    changed = sorted(
        {
            name
            for other in refitted.values()
            for name in {*files, *other}
            if files.get(name) != other.get(name)
        }
    )
    return Check(
        name="leakage.fit_cutoff",
        passed=not changed,
        blocking=True,
        value=float(len(changed)),
        bound="= 0",
        detail=f"{len(files)} fitted files compared"
        + (f"; changed by later rows: {', '.join(changed)}" if changed else ""),
    )
