"""`make bench-phase0 CUSTOMERS=N`: seconds by group, memory and bytes of Phase 0 at one `as_of`.

The bank is generated and prepared first; what is measured is the making of features, in a process
of its own: fit, counts over all customers, all shards, all checks. With `--work` everything stays
in a folder and an interrupted measurement goes on where it stopped; shards that were found from an
earlier try are then told apart in `shards_found`, and their seconds are not in the figures.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.memory import Cost, measured
from benchmarks.record import OUT, Figure, publish
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import refuse
from training_jobs.features.run import make_features
from training_jobs.tasks.examples import write_examples

SEED = 1
MONTHS = 24
SHARD_CUSTOMERS = 20_000
RESULT = "measured.json"
READY = "ready.json"


def _settings(customers: int) -> tuple[DatasetSettings, TasksSettings, FeaturesSettings]:
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    shards = max(dataset.shards, math.ceil(customers / SHARD_CUSTOMERS))
    return (
        dataset.model_copy(update={"shards": shards}),
        load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml"),
        load(FeaturesSettings, CONFIGS / "feature_groups.yaml"),
    )


def _say(done: int, total: int, what: str) -> None:
    print(f"[progress] {done}/{total} {what}", file=sys.stderr, flush=True)


def prepare(folder: Path, customers: int) -> None:
    """Generate a bank, prepare its tables and the examples of the fit cut-off in `folder`."""
    dataset, tasks, _ = _settings(customers)
    ready = folder / READY
    wanted = json.dumps({"customers": customers, "dataset": dataset.model_dump(mode="json")})
    if ready.is_file() and ready.read_text() == wanted:
        return
    generate(
        Order(customers, MONTHS, SEED),
        out=folder / "raw",
        truth=folder / "truth",
        workers=2,
        progress=lambda done, total, rows: _say(done, total, f"bank, {rows:,} rows"),
    )
    faults, _ = convert(dataset, raw=folder / "raw", output=folder / "prepared", progress=_say)
    if faults:
        raise refuse(faults)
    write_examples(
        folder / "prepared" / "tables",
        folder / "phase0",
        dataset=dataset,
        tasks=tasks,
        progress=_say,
    )
    for path in sorted((folder / "phase0" / "examples").glob("part-*.parquet")):
        table = pq.read_table(path)
        kept = table.filter(pc.equal(table["as_of"], dataset.fit_cutoff))
        pq.write_table(kept, path, compression="zstd")
    ready.write_text(wanted)


def features(folder: Path, customers: int) -> None:
    """Make the features in `folder` and leave what was measured there."""
    dataset, _, settings = _settings(customers)
    found = 0

    def say(done: int, total: int, what: str) -> None:
        nonlocal found
        found += "found from an earlier try" in what
        _say(done, total, what)

    made = make_features(
        folder / "prepared" / "tables",
        folder / "phase0",
        dataset=dataset,
        settings=settings,
        progress=say,
    )
    content = {
        "rows": made.rows,
        "shards": dataset.shards,
        "shards_found": found,
        "seconds": made.clock.seconds,
        "columns": len(made.model.columns),
        "constant": sum(len(group.dropped) for group in made.model.groups),
        "failed": [check.name for check in made.checks if check.blocking and not check.passed],
        "workers": settings.workers,
    }
    (folder / RESULT).write_text(json.dumps(content))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _figures(cost: Cost, found: dict[str, Any], written: int) -> list[Figure]:
    groups = [
        Figure(f"seconds.{name}", "s", (spent,)) for name, spent in sorted(found["seconds"].items())
    ]
    return [
        Figure("seconds_total", "s", (cost.seconds,)),
        Figure("cpu", "s", (cost.cpu_seconds,)),
        Figure("peak_rss", "bytes", (float(cost.peak_rss),)),
        Figure("bytes_written", "bytes", (float(written),)),
        Figure("rows_per_second", "rows/s", (found["rows"] / cost.seconds,)),
        *groups,
    ]


def _measure(folder: Path, customers: int) -> None:
    prepare(folder, customers)
    before = _bytes(folder / "phase0")
    cost = measured(
        [
            *(sys.executable, "-m", "benchmarks.phase0", "--stage", "features"),
            *("--work", str(folder), "--customers", str(customers)),
        ]
    )
    found = json.loads((folder / RESULT).read_text())
    written = _bytes(folder / "phase0") - before
    _, _, settings = _settings(customers)
    names = [group.name for group in settings.groups if group.enabled]
    publish(
        "phase0",
        _figures(cost, found, written),
        packages=("duckdb", "numpy", "pyarrow", "torch", "gudhi"),
        seed=SEED,
        extra={
            "customers": customers,
            "seconds_total": cost.seconds,
            "seconds_by_group": {name: found["seconds"].get(name, 0.0) for name in names},
            "seconds_elsewhere": {
                name: spent for name, spent in found["seconds"].items() if name not in names
            },
            "peak_rss_bytes": cost.peak_rss,
            "bytes_written": written,
            **{name: value for name, value in found.items() if name != "seconds"},
        },
    )
    (OUT / "phase0.json").rename(OUT / f"phase0-{customers}.json")
    shutil.copyfile(OUT / f"phase0-{customers}.json", OUT / "phase0.json")


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--work", type=Path, help="keep everything here, and go on from there")
    parser.add_argument("--stage", choices=("all", "features"), default="all")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.stage == "features":
        features(given.work, given.customers)
        return
    if given.work is not None:
        given.work.mkdir(parents=True, exist_ok=True)
        _measure(given.work, given.customers)
        return
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as scratch:
        _measure(Path(scratch), given.customers)


if __name__ == "__main__":
    main()
