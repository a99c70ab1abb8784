"""One number for early stopping: the mean skill over tasks on the selection split."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training_jobs.evaluation.metrics import Sample, find_metric
from training_jobs.ple.tasks import BINARY, MULTICLASS, LabelStatistics, TaskSpec

LEAST_ROWS = 2


def task_skill(
    task: TaskSpec,
    y: NDArray[np.float64],
    p: NDArray[np.float64],
    statistics: LabelStatistics,
) -> float | None:
    """Return the skill of one task in [-1, 1]; 0 is the prior, 1 is perfect.

    Binary: mean of 2 AUC - 1 and log-loss skill, for ranking and honest probabilities both count.
    Multiclass: log-loss skill over the prior. Regression: R2. None where it is undefined.

    Args:
        task: which task.
        y: [n] labels, NaN where masked.
        p: [n] or [n, C] predictions.
        statistics: train labels, the prior.
    """
    seen = ~np.isnan(y)
    if int(seen.sum()) < LEAST_ROWS:
        return None
    y, p = y[seen], p[seen]
    prior = np.array(statistics.prior)
    reference = (
        np.tile(prior, (len(y), 1)) if task.type == MULTICLASS else np.full(len(y), prior[0])
    )
    sample = Sample(y, p, np.ones((1, len(y))), reference)
    if task.type == BINARY:
        skills = [
            2 * float(find_metric("auc")(sample)[0]) - 1,
            float(find_metric("log_loss_skill")(sample)[0]),
        ]
    else:
        name = "log_loss_skill" if task.type == MULTICLASS else "r2"
        skills = [float(find_metric(name)(sample)[0])]
    if not np.all(np.isfinite(skills)):
        return None
    return float(np.mean(np.clip(skills, -1.0, 1.0)))


def composite(skills: Mapping[str, float | None]) -> float:
    """Return the plain mean of the skills that are defined, 0 where none is."""
    defined = [skill for skill in skills.values() if skill is not None]
    return float(np.mean(defined)) if defined else 0.0
