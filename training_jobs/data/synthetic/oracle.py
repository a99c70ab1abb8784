"""The state oracle: how well the label can be predicted by one who knows the latent state.

`python -m training_jobs.data.synthetic.oracle` makes the latent state of up to 20,000 test
customers at `as_of` again, runs at least 256 fresh futures from it, and scores the resulting
probabilities on what did happen. No honest model can be better; one that is has seen the label.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.contracts.artefacts import digest
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.months import month_range
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from configs.settings.tasks import CountDrop, Task, TasksSettings
from training_jobs.data.synthetic.forward import actual, fork, futures
from training_jobs.data.synthetic.lenses.learner import Jury
from training_jobs.data.synthetic.outcomes import classes_of, has_outcome, outcome
from training_jobs.data.synthetic.random import Floats, Ints
from training_jobs.data.synthetic.visibility import PROOF_FILE
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

DATASET_FILE = CONFIGS / "datasets" / "synthetic.yaml"
TASKS_FILE = CONFIGS / "pipeline" / "tasks.yaml"
CEILINGS = {
    "auc": "higher",
    "pr_auc": "higher",
    "log_loss_skill": "higher",
    "r2": "higher",
    "rmse": "lower",
    "poisson_deviance": "lower",
}
"""Metrics that the true expectation is best at, and which side is better. Others, such as macro-F1
or the absolute error, are best for another function of the distribution and have no ceiling here.
"""


@dataclass(frozen=True)
class _Part:
    start: int
    stop: int
    bank: "Bank"


@dataclass(frozen=True)
class Bank:
    """Which bank, and where its label window lies."""

    seed: int
    months: int
    as_of: int
    paths: int


@dataclass(frozen=True)
class Predicted:
    """Labels and probabilities of customers; two halves of the paths and all of them.

    Attributes:
        customer: [n] numbers.
        labels: task -> [n], NaN where masked.
        sums: task -> [2, n] or [2, n, C] sums over each half of the paths.
        counts: task -> [2, n] paths in which the label is not masked.
    """

    customer: Ints
    labels: dict[str, Floats]
    sums: dict[str, Floats]
    counts: dict[str, Floats]


def product_tasks() -> list[Task]:
    """Return the tasks whose labels come from holdings or segments."""
    return [task for task in load(TasksSettings, TASKS_FILE).tasks if has_outcome(task)]


def _predict(part: _Part) -> Predicted:
    settings, catalogue = load(BankSettings, BANK_FILE), load(Catalogue, CATALOGUE_FILE)
    dataset, proof = load(DatasetSettings, DATASET_FILE), load(ProofSettings, PROOF_FILE)
    tasks = product_tasks()
    prior = next(t.derivation.prior_months for t in tasks if isinstance(t.derivation, CountDrop))
    origin = fork(
        settings,
        catalogue,
        seed=part.bank.seed,
        start=part.start,
        stop=part.stop,
        months=part.bank.months,
        as_of=part.bank.as_of,
        horizon=dataset.horizon_months,
        prior_months=prior,
        min_observed=dataset.min_months_observed,
    )
    happened, size = actual(origin), len(origin.rows)
    sums, counts, labels = {}, {}, {}
    for task in tasks:
        labels[task.name] = outcome(task.derivation, happened, catalogue)
        classes = classes_of(task, catalogue)
        sums[task.name] = np.zeros((2, size) if classes is None else (2, size, classes))
        counts[task.name] = np.zeros((2, size))
    for number, course in enumerate(
        futures(origin, paths=part.bank.paths, seed=proof.paths.seed + part.bank.seed)
    ):
        half = number % 2
        for task in tasks:
            value = outcome(task.derivation, course, catalogue)
            seen = np.isfinite(value)
            counts[task.name][half] += seen
            if sums[task.name].ndim == 2:
                sums[task.name][half] += np.nan_to_num(value)
            else:
                rows = np.flatnonzero(seen)
                sums[task.name][half, rows, value[rows].astype(np.int64)] += 1
    return Predicted(origin.state.people.ids[origin.rows], labels, sums, counts)


def _probabilities(sums: Floats, counts: Floats, smoothing: float) -> Floats:
    """Return expectations, drawn a little to the mean of all so that none is 0 or 1."""
    expanded = counts if sums.ndim == 1 else counts[:, None]
    overall = sums.sum(axis=0) / counts.sum()
    expectation: Floats = (sums + smoothing * overall) / (expanded + smoothing)
    return expectation


def _ceiling(task: Task, jury: Jury, labels: Floats, half: Floats, whole: Floats) -> dict[str, Any]:
    """Return every metric: with half and all paths, and in the limit of ever more of them.

    The error of a mean over paths shrinks with their number, and with it what it costs: what all
    paths gain over half of them is still to be gained once more.
    """
    base = (
        np.full(len(labels), labels.mean())
        if whole.ndim == 1
        else np.tile(np.bincount(labels.astype(int), minlength=whole.shape[1]) / len(labels),
                     (len(labels), 1))
    )  # fmt: skip
    result = {}
    for name in task.metrics:
        if name not in CEILINGS:
            continue
        first, both = (jury.metric(name, labels, p, base) for p in (half, whole))
        if both.value is None or first.value is None:
            continue
        more = both.value - first.value
        result[name] = {
            "better": CEILINGS[name],
            "half_paths": first.value,
            "all_paths": both.value,
            "value": both.value + more,
            "low": both.low + more if both.low is not None else None,
            "high": both.high + more if both.high is not None else None,
        }
    return result


def measure(parts: Sequence[Predicted], proof: ProofSettings) -> dict[str, Any]:
    """Return task -> rows, base rate and ceilings of its metrics."""
    customer = np.concatenate([part.customer for part in parts])[: proof.paths.customers]
    ceilings = {}
    for task in product_tasks():
        name = task.name
        kept = slice(0, proof.paths.customers)
        labels = np.concatenate([part.labels[name] for part in parts])[kept]
        sums = np.concatenate([part.sums[name] for part in parts], axis=1)[:, kept]
        counts = np.concatenate([part.counts[name] for part in parts], axis=1)[:, kept]
        rows = np.flatnonzero(np.isfinite(labels) & (counts > 0).all(axis=0))
        jury = Jury.of(
            customer[rows], replicates=proof.replicates, level=proof.level, seed=proof.learner.seed
        )
        half = _probabilities(sums[0, rows], counts[0, rows], proof.paths.smoothing)
        whole = _probabilities(sums[:, rows].sum(axis=0), counts[:, rows].sum(axis=0),
                               proof.paths.smoothing)  # fmt: skip
        y = labels[rows]
        ceilings[name] = {
            "rows": len(rows),
            "mean": float(y.mean()) if whole.ndim == 1 else None,
            "metrics": _ceiling(task, jury, y, half, whole),
        }
    return ceilings


def consult(
    customers: int,
    bank: Bank,
    *,
    proof: ProofSettings,
    workers: int,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Return the artefact `oracle.json`; `bank` in it is the digest of the bank's settings.

    Args:
        customers: size of the bank.
        bank: seed, months and `as_of`.
        proof: number of paths and customers.
        workers: processes; the result does not depend on them.
        progress: called with blocks done and blocks in all.
    """
    size = load(BankSettings, BANK_FILE).block
    parts = [
        _Part(start, min(start + size, customers), bank) for start in range(0, customers, size)
    ]
    done: list[Predicted] = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        pending = (pool.submit(_predict, part) for part in parts)
        for future in pending if workers == 1 else list(pending):
            done.append(future.result())
            progress(len(done), len(parts))
            if sum(len(part.customer) for part in done) >= proof.paths.customers:
                pool.shutdown(cancel_futures=True)
                break
    return {
        "kind": "state_oracle",
        "bank": digest(load(BankSettings, BANK_FILE).model_dump(mode="json")),
        "customers": customers,
        "seed": bank.seed,
        "as_of": bank.as_of,
        "paths": bank.paths,
        "rows": min(sum(len(part.customer) for part in done), proof.paths.customers),
        "level": proof.level,
        "tasks": measure(done, proof),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.oracle", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=20_000, help="size of the bank")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bank")
    parser.add_argument("--months", type=int, default=24, help="observed months of the bank")
    parser.add_argument("--paths", type=int, help="forward paths, at least 256")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON artefact")
    given = parser.parse_args(arguments)
    proof, dataset = load(ProofSettings, PROOF_FILE), load(DatasetSettings, DATASET_FILE)
    paths = given.paths or proof.paths.paths
    if paths < 256:
        parser.error("--paths is at least 256")
    test = dataset.as_ofs("test")[-1]
    as_of = len(month_range(dataset.first, test))
    started = time.monotonic()
    result = consult(
        given.customers,
        Bank(given.seed, given.months, as_of, paths),
        proof=proof,
        workers=given.workers,
        progress=lambda done, total: print(
            f"[progress] oracle {done}/{total} blocks, {time.monotonic() - started:.0f} s",
            flush=True,
        ),
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    for name, task in result["tasks"].items():
        for metric, cell in task["metrics"].items():
            print(
                f"{name:26}{metric:18}{cell['value']:8.4f} "
                f"[{cell['low']:.4f}, {cell['high']:.4f}] of {task['rows']} rows"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
