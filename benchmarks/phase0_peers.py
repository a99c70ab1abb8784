"""`make bench-phase0-peers CUSTOMERS=N`: Phase 0 against named peers, as ratios of one run.

`sql`: the transaction aggregates (behaviour and rolling windows, 34 columns) from the same Parquet
files, ours against polars, with equal results, by the clock and in processor seconds. `shards`: the
same bank in one shard and in four, made by the workers of the settings. Topology and hidden Markov
models have modules of their own (`bench-topology`, `bench-hmm`) that this target runs as well.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.record import Figure, publish, timed
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.months import shift
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import refuse
from training_jobs.features import generators as _generators
from training_jobs.features.bank import read_bank
from training_jobs.features.cut import Limits, cut
from training_jobs.features.generator import Bank, Fitted, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.run import make_features
from training_jobs.features.sources import find
from training_jobs.tasks.examples import write_examples

SEED = 1
MONTHS = 24
SQL_GROUPS = ("txn_behavior", "txn_rolling_stats")
REGISTERED = (_generators,)
"""Importing this package is what fills the registry."""


def _quiet(done: int, total: int, what: str) -> None:
    del done, total, what


@dataclass(frozen=True)
class Case:
    """One bank in a number of shards."""

    folder: Path
    dataset: DatasetSettings
    settings: FeaturesSettings

    @property
    def tables(self) -> Path:
        """The canonical tables."""
        return self.folder / "tables"

    @property
    def sql_tables(self) -> Path:
        """The tables that the SQL groups read: the peer reads no others either."""
        folder = self.folder / "sql"
        folder.mkdir(exist_ok=True)
        for table in ("customers", "transactions"):
            if not (folder / table).exists():
                (folder / table).symlink_to(self.tables / table)
        return folder


def _case(raw: Path, folder: Path, shards: int) -> Case:
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    dataset = dataset.model_copy(update={"shards": shards})
    faults, _ = convert(dataset, raw=raw, output=folder, progress=_quiet)
    if faults:
        raise refuse(faults)
    return Case(folder, dataset, load(FeaturesSettings, CONFIGS / "feature_groups.yaml"))


def ours(case: Case, generators: Sequence[Generator[Any]], bank: Bank) -> NDArray[np.float32]:
    """Return the columns of the SQL groups at the fit cut-off, rows in the order of the files."""
    sources = find(case.sql_tables)
    customers = pq.read_table(case.tables / "customers" / "part-00000.parquet")["customer_id"]
    with cut(
        sources,
        customers=customers.to_pylist(),
        as_of=case.dataset.fit_cutoff,
        lookback_months=bank.lookback_months,
        limits=Limits(case.settings.memory, case.settings.threads),
    ) as view:
        return np.hstack([made.transform(view, Fitted()) for made in generators])


def _hours(first: int, last: int) -> pl.Expr:
    hour = pl.col("hour")
    inside = (hour >= first) & (hour < last)
    return inside if first < last else (hour >= first) | (hour < last)


def _behaviour(events: pl.LazyFrame, customers: pl.LazyFrame, case: Case) -> pl.LazyFrame:
    group = next(g for g in case.settings.groups if g.name == "txn_behavior")
    rules = group.parameters.model_dump()
    as_of, months = case.dataset.fit_cutoff, case.dataset.lookback_months
    spent = pl.col("amount").filter(pl.col("debit"))
    totals = events.group_by("customer_id").agg(
        pl.len().alias("txn_count"),
        spent.sum().alias("spend_total"),
        pl.col("amount").filter(~pl.col("debit")).sum().alias("credit_total"),
        pl.col("debit").sum().alias("debits"),
        pl.col("category").n_unique().alias("unique_categories"),
        pl.col("merchant").drop_nulls().n_unique().alias("unique_merchants"),
        pl.col("channel").n_unique().alias("unique_channels"),
        *(
            _hours(*rules[part]).sum().alias(f"{part}_count")
            for part in ("night", "morning", "afternoon")
        ),
        pl.col("weekend").sum().alias("weekends"),
        pl.col("back").min().alias("recency_days"),
        pl.col("back").n_unique().alias("active_days"),
    )
    monthly = (
        events.filter(pl.col("debit"))
        .group_by("customer_id", "month_back")
        .agg(pl.col("amount").sum().cast(pl.Float64).alias("monthly"))
        .group_by("customer_id")
        .agg((pl.col("monthly") ** 2).sum().alias("squares"))
    )
    tenure = (
        (as_of.year - pl.col("joined_on").dt.year()) * 12
        + (as_of.month - pl.col("joined_on").dt.month())
        + 1
    )
    n = pl.col("txn_count")
    days = (as_of - shift(as_of, -months)).days
    total = pl.col("spend_total").cast(pl.Float64)
    spread = (pl.col("months") * pl.col("squares") - total**2).clip(lower_bound=0).sqrt()
    return (
        customers.with_columns(tenure.clip(upper_bound=months).fill_null(months).alias("months"))
        .join(totals, on="customer_id", how="left")
        .join(monthly, on="customer_id", how="left")
        .select(
            "customer_id",
            n.fill_null(0),
            pl.col("spend_total").fill_null(0),
            pl.col("credit_total").fill_null(0),
            pl.when(pl.col("debits") > 0)
            .then(pl.col("spend_total") / pl.col("debits"))
            .alias("spend_mean"),
            *(
                pl.col(name).fill_null(0)
                for name in ("unique_categories", "unique_merchants", "unique_channels")
            ),
            *(
                (pl.col(f"{part}_count") / n).alias(f"{part}_share")
                for part in ("night", "morning", "afternoon")
            ),
            (pl.col("weekends") / n).alias("weekend_share"),
            "recency_days",
            (pl.col("active_days").fill_null(0) / days).alias("active_day_share"),
            pl.when(total > 0).then(spread / total).alias("spend_variation"),
        )
    )


def _rolling(events: pl.LazyFrame, case: Case) -> pl.LazyFrame:
    group = next(g for g in case.settings.groups if g.name == "txn_rolling_stats")
    rules = group.parameters.model_dump()
    kept = events.filter(pl.col("direction") == rules["direction"])
    columns = []
    for days in rules["days"]:
        inside = pl.col("amount").filter(pl.col("back") < days)
        seen = pl.col("back").filter(pl.col("back") < days)
        columns += [
            inside.sum().alias(f"sum{days}"),
            inside.mean().alias(f"mean{days}"),
            inside.std().alias(f"sd{days}"),
            inside.len().alias(f"count{days}"),
            seen.n_unique().alias(f"days{days}"),
        ]
    return kept.group_by("customer_id").agg(columns)


def peer(case: Case, as_of: date) -> NDArray[np.float32]:
    """Return the same columns as `ours`, by polars."""
    before = shift(as_of, -case.dataset.lookback_months)
    day = pl.col("ts").dt.date()
    events = (
        pl.scan_parquet(case.tables / "transactions" / "*.parquet")
        .filter((day > before) & (day <= as_of))
        .with_columns(
            (pl.lit(as_of) - day).dt.total_days().alias("back"),
            (
                (as_of.year - pl.col("ts").dt.year()) * 12 + (as_of.month - pl.col("ts").dt.month())
            ).alias("month_back"),
            pl.col("ts").dt.hour().alias("hour"),
            (pl.col("ts").dt.weekday() >= 6).alias("weekend"),
            (pl.col("direction") == "debit").alias("debit"),
        )
    )
    customers = pl.scan_parquet(case.tables / "customers" / "*.parquet")
    joined = _behaviour(events, customers, case).join(
        _rolling(events, case), on="customer_id", how="left"
    )
    order = customers.select("customer_id")
    made = order.join(joined, on="customer_id", how="left", maintain_order="left").collect()
    counted = [name for name in made.columns if name.startswith(("sum", "count", "days"))]
    made = made.with_columns(pl.col(counted).fill_null(0))
    values = made.drop("customer_id").to_numpy().astype(np.float32)
    return np.asarray(values)


def _unequal(first: NDArray[np.float32], second: NDArray[np.float32]) -> int:
    same = np.isclose(first, second, rtol=1e-5, atol=1e-5, equal_nan=True)
    return int((~same).sum())


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds by the clock and of the processor over all threads."""
    begun = time.process_time()
    (wall,) = timed(work, runs=1, warmup=0)
    return wall, time.process_time() - begun


def _shard_seconds(case: Case, tasks: TasksSettings) -> float:
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as scratch:
        output = Path(scratch)
        write_examples(case.tables, output, dataset=case.dataset, tasks=tasks)
        began = time.perf_counter()
        make_features(
            case.tables,
            output,
            dataset=case.dataset,
            settings=case.settings.model_copy(update={"parallel_customers": 0}),
            progress=_quiet,
        )
        return time.perf_counter() - began


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as scratch:
        folder = Path(scratch)
        generate(
            Order(given.customers, MONTHS, SEED),
            out=folder / "raw",
            truth=folder / "truth",
            workers=2,
            progress=lambda *_: None,
        )
        one, four = (_case(folder / "raw", folder / f"in{n}", n) for n in (1, 4))
        bank = read_bank(one.tables, one.dataset)
        made = [
            GENERATORS.build(group.generator, group.parameters, bank)
            for group in one.settings.groups
            if group.name in SQL_GROUPS
        ]
        generators = [generator for generator in made if isinstance(generator, Generator)]
        cutoff = one.dataset.fit_cutoff
        unequal = _unequal(ours(one, generators, bank), peer(one, cutoff))
        # In turn, so that what else the machine does meets both alike.
        turns = [
            (_spent(lambda: ours(one, generators, bank)), _spent(lambda: peer(one, cutoff)))
            for _ in range(given.runs)
        ]
        tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
        shards = [(_shard_seconds(one, tasks), _shard_seconds(four, tasks)) for _ in range(3)]
    publish(
        "phase0-peers",
        [
            Figure("sql.ours", "s", tuple(own[0] for own, _ in turns)),
            Figure("sql.polars", "s", tuple(peers[0] for _, peers in turns)),
            Figure("sql.polars_over_ours", "ratio", tuple(_ratio(b[0], a[0]) for a, b in turns)),
            Figure("sql.ours_cpu", "s", tuple(own[1] for own, _ in turns)),
            Figure("sql.polars_cpu", "s", tuple(peers[1] for _, peers in turns)),
            Figure(
                "sql.polars_over_ours_cpu", "ratio", tuple(_ratio(b[1], a[1]) for a, b in turns)
            ),
            Figure("sql.cells_unequal", "count", (float(unequal),)),
            Figure("shards.one", "s", tuple(first for first, _ in shards)),
            Figure("shards.four", "s", tuple(second for _, second in shards)),
            Figure("shards.one_over_four", "ratio", tuple(_ratio(*pair) for pair in shards)),
        ],
        packages=("duckdb", "polars", "numpy"),
        seed=SEED,
        extra={
            "customers": given.customers,
            "workers": one.settings.workers,
        },
    )


def _ratio(first: float, second: float) -> float:
    return first / second


if __name__ == "__main__":
    main()
