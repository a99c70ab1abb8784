"""`make bench-groups CUSTOMERS=N`: what each feature group alone tells of each binary task.

One LightGBM a group and task, fitted on train rows and measured on the selection half: test labels
are not read. The last two rows are all decision inputs together, and the same with labels permuted
among the rows of a date, which has to be chance.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.record import Figure, publish
from configs.errors import ArtefactError
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import refuse
from training_jobs.evaluation.labels import label_column, read_labelled
from training_jobs.features.reading import read_columns
from training_jobs.features.screen import auc_by_task, binary_tasks
from training_jobs.phase0 import phase0

MONTHS = 24
TRAIN, SELECTION = "train", "selection"
ALL, PERMUTED = "all decision inputs", "all, labels permuted"
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.3,
    "learning_rate": 0.05,
    "lambda_l2": 1.0,
    "num_threads": 2,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
ROUNDS = 150


@dataclass(frozen=True)
class Rows:
    """Rows of one split: values [n, columns], task -> labels [n], dates [n]."""

    values: NDArray[np.float32]
    labels: dict[str, NDArray[np.float64]]
    dates: NDArray[np.datetime64]


def _say(done: int, total: int, what: str) -> None:
    print(f"[progress] {done}/{total} {what}", file=sys.stderr, flush=True)


def _phase0(folder: Path, customers: int, seed: int) -> Path:
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    output = folder / "phase0"
    if (output / "checks.json").is_file():
        return output
    generate(
        Order(customers, MONTHS, seed),
        out=folder / "raw",
        truth=folder / "truth",
        workers=2,
        progress=lambda done, total, rows: _say(done, total, f"bank, {rows:,} rows"),
    )
    faults, _ = convert(dataset, raw=folder / "raw", output=folder / "prepared", progress=_say)
    if faults:
        raise refuse(faults)
    output.mkdir(exist_ok=True)
    made = phase0(
        folder / "prepared" / "tables",
        output,
        dataset=dataset,
        tasks=load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml"),
        features=load(FeaturesSettings, CONFIGS / "feature_groups.yaml"),
        progress=_say,
    )
    if failed := [check.name for check in made.checks if check.blocking and not check.passed]:
        raise ArtefactError(
            f"blocking checks of Phase 0 failed: {', '.join(failed)}",
            remedy="mend what they name; columns that leak or lack say nothing about a group",
        )
    return output


def _rows(output: Path, split: str, names: list[str], tasks: list[str]) -> Rows:
    values, dates = [], []
    labels: dict[str, list[NDArray[np.float64]]] = {task: [] for task in tasks}
    for path in sorted((output / "examples").glob("part-*.parquet")):
        chosen = pq.read_table(path, columns=["split"])["split"].to_numpy() == split
        values.append(read_columns(output, path.name, names, chosen=chosen))
        found = read_labelled(path, ["as_of"], tasks, uses={split: "what a group tells"})
        dates.append(found["as_of"].to_numpy())
        for task in tasks:
            labels[task].append(found[label_column(task)].to_numpy().astype(np.float64))
    return Rows(
        np.concatenate(values),
        {task: np.concatenate(parts) for task, parts in labels.items()},
        np.concatenate(dates),
    )


def _auc(train: Rows, selection: Rows, places: list[int], task: str) -> float:
    y, judged = train.labels[task], selection.labels[task]
    seen, asked = ~np.isnan(y), ~np.isnan(judged)
    data = lgb.Dataset(train.values[seen][:, places], y[seen])
    booster = lgb.train(PARAMETERS, data, num_boost_round=ROUNDS)
    scores = np.asarray(booster.predict(selection.values[asked][:, places]))
    # The shared function gives the larger of AUC and 1 - AUC; a rank turned round is a lower one.
    above = auc_by_task(scores.astype(np.float32), {task: judged[asked]})[task]
    agrees = np.corrcoef(scores, judged[asked])[0, 1] >= 0
    return above if agrees else 1 - above


def permuted(rows: Rows, seed: int) -> Rows:
    """Return the rows with every task's labels dealt anew among the rows of a date."""
    draw = np.random.default_rng(seed)
    labels = {task: values.copy() for task, values in rows.labels.items()}
    for values in labels.values():
        for date in np.unique(rows.dates):
            here = np.flatnonzero((rows.dates == date) & ~np.isnan(values))
            values[here] = draw.permutation(values[here])
    return Rows(rows.values, labels, rows.dates)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--work", type=Path, help="keep everything here, and go on from there")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as scratch:
        folder = given.work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        output = _phase0(folder, given.customers, given.seed)
        schema: dict[str, Any] = json.loads((output / "feature_schema.json").read_text())
        names: list[str] = schema["decision_inputs"]
        group_of = {column["name"]: column["group"] for column in schema["columns"]}
        tasks = binary_tasks(output)
        train, selection = (_rows(output, split, names, tasks) for split in (TRAIN, SELECTION))
        rates = {
            task: {
                "train": float(np.nanmean(train.labels[task])),
                "selection": float(np.nanmean(selection.labels[task])),
            }
            for task in tasks
        }
        present = [name for name, row in schema["groups"].items() if row["status"] == "present"]
        found: dict[str, dict[str, float]] = {}
        for done, group in enumerate(present, 1):
            places = [place for place, name in enumerate(names) if group_of[name] == group]
            if places:
                found[group] = {task: _auc(train, selection, places, task) for task in tasks}
            _say(done, len(present), group)
        everything = list(range(len(names)))
        shuffled = permuted(train, given.seed)
        found[ALL] = {task: _auc(train, selection, everything, task) for task in tasks}
        found[PERMUTED] = {task: _auc(shuffled, selection, everything, task) for task in tasks}
    publish(
        "groups",
        [
            Figure(f"{group}.{task}", "AUC", (auc,))
            for group, by_task in found.items()
            for task, auc in by_task.items()
        ],
        packages=("lightgbm", "numpy"),
        seed=given.seed,
        extra={
            "customers": given.customers,
            "auc": found,
            "rates": rates,
            "rows": {"train": len(train.dates), "selection": len(selection.dates)},
            "groups": {
                name: {
                    "columns": row["declared"],
                    "constant": len(row["dropped"]),
                    "generator": row["generator"],
                    "experts": row["experts"],
                }
                for name, row in schema["groups"].items()
            },
        },
    )


if __name__ == "__main__":
    main()
