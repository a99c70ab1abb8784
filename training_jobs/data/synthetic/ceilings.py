"""Ceilings: what the expectation over forward paths scores on what did happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.settings.base import CONFIGS, load
from configs.settings.simulation_proof import ProofSettings
from configs.settings.tasks import Task, TasksSettings
from training_jobs.data.synthetic.lenses.learner import Jury
from training_jobs.data.synthetic.outcomes import has_outcome
from training_jobs.data.synthetic.random import Floats, Ints

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
        if first.value is None or both.value is None or both.low is None or both.high is None:
            continue
        more = both.value - first.value
        result[name] = {
            "better": CEILINGS[name],
            "half_paths": first.value,
            "all_paths": both.value,
            "value": both.value + more,
            "low": both.low + more,
            "high": both.high + more,
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
            "classes": whole.shape[1] if whole.ndim == 2 else None,
            "metrics": _ceiling(task, jury, y, half, whole),
        }
    return ceilings
