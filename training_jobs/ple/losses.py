"""Losses by name: one value a row, before masks and weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from configs.errors import SevenLensError
from training_jobs.ple.tasks import LabelStatistics, TaskSpec

LOG_RATE_BOUND = 12.0
"""Largest absolute log rate: beyond it a Poisson rate would overflow the loss."""

CERTAIN = 1e-12
"""Probability of being wrong below which a focal loss takes a row for settled."""


@dataclass(frozen=True)
class LossContext:
    """What a loss may need besides outputs and labels."""

    focal_gamma: float
    huber_delta: float
    mean: float
    sd: float


RowLoss = Callable[[Tensor, Tensor, LossContext], Tensor]


def bce(outputs: Tensor, labels: Tensor, _context: LossContext) -> Tensor:
    """Return [n] binary cross-entropy: outputs [n, 1] logits, labels [n] in {0, 1}."""
    return functional.binary_cross_entropy_with_logits(outputs[:, 0], labels, reduction="none")


def focal(outputs: Tensor, labels: Tensor, context: LossContext) -> Tensor:
    """Return [n] focal loss (Lin et al. 2017): (1 - p_true)^gamma times cross-entropy."""
    entropy = functional.binary_cross_entropy_with_logits(outputs[:, 0], labels, reduction="none")
    # At 0 a power below 1 has an infinite slope, and 0 times infinity is no gradient.
    wrong = (1 - torch.exp(-entropy)).clamp_min(CERTAIN)
    return wrong**context.focal_gamma * entropy


def ce(outputs: Tensor, labels: Tensor, _context: LossContext) -> Tensor:
    """Return [n] cross-entropy: outputs [n, C] logits, labels [n] class indices as float."""
    return functional.cross_entropy(outputs, labels.to(torch.int64), reduction="none")


def huber(outputs: Tensor, labels: Tensor, context: LossContext) -> Tensor:
    """Return [n] Huber loss in label standard deviations; outputs [n, 1] are standardised."""
    target = (labels - context.mean) / context.sd
    return functional.huber_loss(outputs[:, 0], target, delta=context.huber_delta, reduction="none")


def poisson(outputs: Tensor, labels: Tensor, _context: LossContext) -> Tensor:
    """Return [n] half the Poisson deviance; outputs [n, 1] are log rates, labels counts."""
    log_rate = outputs[:, 0].clamp(-LOG_RATE_BOUND, LOG_RATE_BOUND)
    return torch.exp(log_rate) - labels * log_rate + torch.xlogy(labels, labels) - labels


LOSSES: dict[str, RowLoss] = {
    "bce": bce,
    "focal": focal,
    "ce": ce,
    "huber": huber,
    "poisson": poisson,
}


@dataclass(frozen=True)
class TaskLosses:
    """The losses of a batch.

    Attributes:
        total: weighted sum over tasks, each weight applied once.
        means: task -> unweighted mean over its labelled rows; tasks without any are absent.
    """

    total: Tensor
    means: dict[str, Tensor]


class LossTable:
    """Applies each task's loss to its labelled rows."""

    def __init__(
        self,
        tasks: tuple[TaskSpec, ...],
        statistics: dict[str, LabelStatistics],
        *,
        focal_gamma: float,
        huber_delta: float,
    ) -> None:
        """Keep what each loss needs.

        Raises:
            SevenLensError: a task names a loss that does not exist.
        """
        self.tasks = tasks
        for task in tasks:
            if task.loss not in LOSSES:
                raise SevenLensError(
                    f"task {task.name}: loss '{task.loss}' does not exist",
                    remedy=f"choose one of {', '.join(sorted(LOSSES))}",
                )
        self.contexts = {
            task.name: LossContext(
                focal_gamma, huber_delta, statistics[task.name].prior[0], statistics[task.name].sd
            )
            for task in tasks
        }

    def __call__(self, outputs: dict[str, Tensor], labels: Tensor) -> TaskLosses:
        """Return the losses.

        Args:
            outputs: task -> [B, C] raw tower outputs.
            labels: [B, T] in task order, NaN where masked.
        """
        total = labels.new_zeros(())
        means = {}
        for column, task in enumerate(self.tasks):
            label = labels[:, column]
            labelled = ~label.isnan()
            if not bool(labelled.any()):
                continue
            rows = LOSSES[task.loss](
                outputs[task.name][labelled].float(), label[labelled], self.contexts[task.name]
            )
            means[task.name] = rows.mean()
            total = total + task.weight * means[task.name]
        return TaskLosses(total, means)
