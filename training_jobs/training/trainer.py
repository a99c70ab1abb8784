"""One training: two phases, early stopping, checkpoints from which it resumes exactly."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from configs.errors import SevenLensError
from configs.settings.teacher import TeacherSettings
from training_jobs.experts.batch import Batch
from training_jobs.ple.gates import Phase
from training_jobs.ple.losses import LossTable, TaskLosses
from training_jobs.ple.model import Teacher
from training_jobs.ple.tasks import LabelStatistics
from training_jobs.training.checkpoint import CheckpointStore
from training_jobs.training.composite import composite, task_skill
from training_jobs.training.machine import precision
from training_jobs.training.schedule import rate_at
from training_jobs.training.score import score
from training_jobs.training.state import Progress, capture, restore

Report = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and one line for a person."""

EPOCH_SEEDS = 1_000_003
"""Spreads the seeds of trainings apart, so that no two share an epoch's data order."""


@dataclass(frozen=True)
class Data:
    """Labelled rows.

    Attributes:
        batch: n rows on the CPU.
        labels: [n, T] in task order, NaN where masked.
    """

    batch: Batch
    labels: Tensor


@dataclass(frozen=True)
class Trained:
    """The result: the weights of the best epoch are in the model.

    Attributes:
        model: in evaluation mode.
        statistics: label statistics it was trained with.
        log: one object an epoch.
    """

    model: Teacher
    statistics: dict[str, LabelStatistics]
    log: list[dict[str, Any]]


def make_optimizer(model: Teacher, settings: TeacherSettings) -> torch.optim.AdamW:
    """Return AdamW; weight decay acts on matrices, not on biases and norms."""

    # Grouped layers hold one bias a group: two dimensions, and a bias all the same.
    def decays(name: str, parameter: Tensor) -> bool:
        return parameter.dim() > 1 and not name.endswith("bias")

    named = list(model.named_parameters())
    matrices = [parameter for name, parameter in named if decays(name, parameter)]
    vectors = [parameter for name, parameter in named if not decays(name, parameter)]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": settings.training.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings.training.learning_rate,
    )


class Trainer:
    """Trains one teacher; every method but `run` is a part of it."""

    def __init__(
        self,
        model: Teacher,
        settings: TeacherSettings,
        *,
        statistics: dict[str, LabelStatistics],
        train: Data,
        selection: Data,
        store: CheckpointStore,
        seed: int,
        device: torch.device,
        report: Report,
    ) -> None:
        """Keep what a training needs; `model` is prepared and on `device`."""
        self.model, self.settings, self.plan = model, settings, settings.training
        self.statistics, self.train, self.selection = statistics, train, selection
        self.store, self.seed, self.device, self.report = store, seed, device, report
        self.losses = LossTable(
            model.tasks,
            statistics,
            focal_gamma=settings.losses.focal_gamma,
            huber_delta=settings.losses.huber_delta,
        )
        self.optimizer = make_optimizer(model, settings)
        self.epoch_steps = math.ceil(len(train.batch) / self.plan.batch_size)
        self.epochs = self.plan.shared_epochs + self.plan.joint_epochs
        self.total = self.epoch_steps * self.epochs
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}

    def phase(self, epoch: int) -> Phase:
        """Return the phase of an epoch (0-based)."""
        return Phase.SHARED if epoch < self.plan.shared_epochs else Phase.JOINT

    def order(self, epoch: int) -> Tensor:
        """Return [n], the data order of an epoch: a function of seed and epoch alone."""
        generator = torch.Generator().manual_seed(self.seed * EPOCH_SEEDS + epoch)
        return torch.randperm(len(self.train.batch), generator=generator)

    def _count(self, losses: TaskLosses, labels: Tensor) -> None:
        rows = (~labels.isnan()).sum(0).tolist()
        for column, task in enumerate(self.model.tasks):
            if task.name in losses.means:
                total = self.progress.losses.setdefault(task.name, [0.0, 0.0])
                total[0] += float(losses.means[task.name].detach()) * rows[column]
                total[1] += rows[column]

    def step(self, index: Tensor, phase: Phase) -> None:
        """Take one optimisation step on the rows at `index`.

        Raises:
            SevenLensError: the loss is not finite.
        """
        self.model.train()
        rate = rate_at(
            self.progress.step,
            total=self.total,
            peak=self.plan.learning_rate,
            warmup_share=self.plan.warmup_share,
            final_share=self.plan.final_share,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = self.train.batch.select(index).to(self.device)
        labels = self.train.labels[index].to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        with precision(self.device, self.settings.precision):
            output = self.model(batch, phase)
        losses = self.losses(output.outputs, labels)
        if losses.means:
            if not bool(torch.isfinite(losses.total)):
                raise SevenLensError(
                    f"the loss is not finite at step {self.progress.step}",
                    remedy="lower teacher.training.learning_rate, or look for extreme inputs",
                )
            losses.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
            self.optimizer.step()
        self._count(losses, labels)
        self.progress.step += 1

    def judge(self, phase: Phase) -> dict[str, float | None]:
        """Return task -> skill on the selection rows."""
        scores = score(
            self.model,
            self.selection.batch,
            self.statistics,
            size=self.settings.score_batch,
            device=self.device,
            phase=phase,
        )
        labels = self.selection.labels.double().numpy()
        return {
            task.name: task_skill(
                task, labels[:, column], scores.predictions[task.name], self.statistics[task.name]
            )
            for column, task in enumerate(self.model.tasks)
        }

    def close_epoch(self, epoch: int, phase: Phase) -> None:
        """Judge, remember the best joint epoch, log, and decide whether to go on."""
        skills = self.judge(phase)
        value = composite(skills)
        state = self.progress
        if phase is Phase.JOINT:
            if state.best is None or value > state.best:
                state.best, state.best_epoch, state.stale = value, epoch, 0
                self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
            else:
                state.stale += 1
        state.log.append(
            {
                "epoch": epoch,
                "phase": phase.value,
                "step": state.step,
                "train_loss": {k: total / rows for k, (total, rows) in state.losses.items()},
                "selection_skill": skills,
                "composite": value,
            }
        )
        state.losses = {}
        state.finished = epoch + 1 == self.epochs or state.stale >= self.plan.patience

    def save(self) -> None:
        """Write a checkpoint of this very moment."""
        self.store.save(
            self.progress.step, *capture(self.model, self.optimizer, self.best, self.progress)
        )

    def resume(self) -> None:
        """Go back to the newest checkpoint, if there is one."""
        found = self.store.newest()
        if found is not None:
            best, self.progress = restore(found, self.model, self.optimizer)
            self.best = {name: value.to(self.device) for name, value in best.items()}

    def run(self) -> Trained:
        """Train to the end, from the newest checkpoint if there is one."""
        self.resume()
        began, first = time.monotonic(), self.progress.step
        while not self.progress.finished:
            epoch, within = divmod(self.progress.step, self.epoch_steps)
            phase, size = self.phase(epoch), self.plan.batch_size
            self.step(self.order(epoch)[within * size : (within + 1) * size], phase)
            if within + 1 == self.epoch_steps:
                self.close_epoch(epoch, phase)
                done = self.progress.step - first
                pace = (time.monotonic() - began) / done
                left = 0 if self.progress.finished else self.total - self.progress.step
                self.report(
                    self.progress.step,
                    self.total,
                    f"{phase.value} epoch {epoch + 1}/{self.epochs} "
                    f"composite {self.progress.log[-1]['composite']:.4f} "
                    f"elapsed {pace * done:.0f} s remaining at most {pace * left:.0f} s",
                )
            if self.progress.finished or self.progress.step % self.plan.checkpoint_steps == 0:
                self.save()
        self.model.load_state_dict(self.best)
        self.model.eval()
        return Trained(self.model, self.statistics, self.progress.log)
