"""Label statistics of the train rows: priors, means, deviations."""

import torch
from torch import Tensor

from configs.errors import SevenLensError
from training_jobs.ple.tasks import BINARY, MULTICLASS, POISSON, LabelStatistics, TaskSpec

LEAST_SD = 1e-6
PRIOR_ROWS = 1.0
"""Rows added to every class or side, so that a prior is never 0 or 1."""


def label_statistics(tasks: tuple[TaskSpec, ...], labels: Tensor) -> dict[str, LabelStatistics]:
    """Return task -> statistics over the labelled rows.

    Args:
        tasks: tasks that are on.
        labels: [n, T] in task order, NaN where masked.

    Raises:
        SevenLensError: a task has no labelled row.
    """
    result = {}
    for column, task in enumerate(tasks):
        y = labels[:, column].to(torch.float64)
        y = y[~y.isnan()]
        if not len(y):
            raise SevenLensError(
                f"task {task.name} is on but has no labelled train row",
                remedy="run Phase 0 again: its viability gate must switch the task off",
            )
        if task.type == MULTICLASS:
            counts = torch.bincount(y.to(torch.int64), minlength=len(task.classes)) + PRIOR_ROWS
            result[task.name] = LabelStatistics(tuple((counts / counts.sum()).tolist()), 1.0)
        elif task.type == BINARY:
            rate = (float(y.sum()) + PRIOR_ROWS) / (len(y) + 2 * PRIOR_ROWS)
            result[task.name] = LabelStatistics((rate,), 1.0)
        else:
            sd = max(float(y.std(unbiased=False)), LEAST_SD)
            mean = float(y.mean())
            # A rate has a logarithm: counts that are all zero start just above it.
            prior = max(mean, LEAST_SD) if task.loss == POISSON else mean
            result[task.name] = LabelStatistics((prior,), sd)
    return result
