"""From raw tower outputs to what a task's column holds."""

import torch
from torch import Tensor

from training_jobs.ple.losses import LOG_RATE_BOUND
from training_jobs.ple.tasks import BINARY, MULTICLASS, POISSON, LabelStatistics, TaskSpec


def predict(outputs: Tensor, task: TaskSpec, statistics: LabelStatistics) -> Tensor:
    """Return [B] probability (binary) or value (regression), or [B, C] class probabilities.

    Args:
        outputs: [B, C] raw tower outputs.
        task: the task they belong to.
        statistics: mean and deviation that undo the standardisation of a Huber target.
    """
    outputs = outputs.double()
    if task.type == BINARY:
        return torch.sigmoid(outputs[:, 0])
    if task.type == MULTICLASS:
        return torch.softmax(outputs, dim=1)
    if task.loss == POISSON:
        return torch.exp(outputs[:, 0].clamp(-LOG_RATE_BOUND, LOG_RATE_BOUND))
    return statistics.prior[0] + statistics.sd * outputs[:, 0]
