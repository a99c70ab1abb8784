"""The full model and one model a customer fold: out-of-fold scores of train rows.

A model scores its own train rows overconfidently; students would learn that confidence. So every
train row is scored by the model that has never seen its customer, nor was stopped by it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from configs.contracts.artefacts import digest
from configs.errors import ArtefactError
from configs.settings.teacher import TeacherSettings
from training_jobs.ple.model import Teacher
from training_jobs.ple.tasks import TaskSpec
from training_jobs.training.checkpoint import CheckpointStore
from training_jobs.training.layout import Layout
from training_jobs.training.rows import Rows
from training_jobs.training.statistics import label_statistics
from training_jobs.training.trainer import Data, Report, Trained, Trainer

FULL = "full"
TRAIN, SELECTION = "train", "selection"


@dataclass(frozen=True)
class Plan:
    """One model to train.

    Attributes:
        name: `full` or `fold<k>`.
        seed: of its weights, data order and dropout.
        left_out: the customer fold it never sees, None for the full model.
    """

    name: str
    seed: int
    left_out: int | None


def plans(folds: list[int], seed: int) -> list[Plan]:
    """Return the full model's plan, then one plan a fold."""
    return [
        Plan(FULL, seed, None),
        *(Plan(f"fold{fold}", seed + 1 + fold, fold) for fold in folds),
    ]


def pick(rows: Rows, split: str, left_out: int | None) -> torch.Tensor:
    """Return [n] positions of the rows of a split outside the fold that is left out."""
    chosen = (rows.split == split) & ~rows.cold
    if left_out is not None:
        chosen &= rows.fold != left_out
    return torch.from_numpy(np.flatnonzero(chosen))


def check_folds(rows: Rows) -> None:
    """Refuse rows in which a customer stands in two folds: no model would be blind to it.

    Raises:
        ArtefactError: there is such a customer.
    """
    dealt = pa.table({"customer": rows.keys["customer_id"], "fold": pa.array(rows.fold)})
    spread = dealt.group_by("customer").aggregate([("fold", "min"), ("fold", "max")])
    torn = spread.filter(pc.not_equal(spread["fold_min"], spread["fold_max"]))
    if len(torn):
        raise ArtefactError(
            f"{len(torn)} customers stand in more than one fold, such as {torn['customer'][0]}",
            remedy="run Phase 0 again: folds are dealt by customer",
        )


def rows_digest(rows: Rows, index: torch.Tensor) -> str:
    """Return the SHA-256 of everything a training reads of the rows at `index`."""
    chosen = rows.batch.select(index)
    hasher = hashlib.sha256()
    for part in (chosen.numeric, chosen.missing, chosen.codes, rows.labels[index]):
        hasher.update(part.numpy().tobytes())
    for side in (chosen.events, chosen.incidence):
        for tensor in vars(side).values() if side is not None else ():
            hasher.update(tensor.numpy().tobytes())
    return hasher.hexdigest()


class Crossfit:
    """Trains the models of a run one after the other."""

    def __init__(
        self,
        settings: TeacherSettings,
        layout: Layout,
        tasks: tuple[TaskSpec, ...],
        *,
        rows: Rows,
        device: torch.device,
        checkpoints: Path | None,
        code_version: str,
    ) -> None:
        """Keep what all trainings share.

        Args:
            settings: of the teacher.
            layout: of the inputs.
            tasks: tasks that are on.
            rows: train and selection rows.
            device: where to train.
            checkpoints: folder that survives interruption, one sub-folder a model.
            code_version: part of a checkpoint's identity: other code starts afresh.

        Raises:
            ArtefactError: a customer stands in two folds.
        """
        check_folds(rows)
        self.settings, self.layout, self.tasks = settings, layout, tasks
        self.rows, self.device, self.checkpoints = rows, device, checkpoints
        self.code_version = code_version
        self.lenses, self.absent = layout.lenses(tuple(settings.experts))
        trained_on = rows.fold[(rows.split == TRAIN) & ~rows.cold]
        self.plans = plans(sorted({int(fold) for fold in trained_on}), settings.seed)

    def _store(self, plan: Plan, train: torch.Tensor, selection: torch.Tensor) -> CheckpointStore:
        identity = digest(
            {
                "code": self.code_version,
                "settings": self.settings.model_dump(mode="json"),
                "layout": repr(self.layout),
                "tasks": [repr(task) for task in self.tasks],
                "model": plan.name,
                "train": rows_digest(self.rows, train),
                "selection": rows_digest(self.rows, selection),
            }
        )
        return CheckpointStore(
            self.checkpoints / plan.name if self.checkpoints is not None else None,
            identity=identity,
            keep=self.settings.training.keep_checkpoints,
        )

    def fit(self, plan: Plan, report: Callable[[int, int, str], None]) -> Trained:
        """Train one model, or resume it."""
        train = pick(self.rows, TRAIN, plan.left_out)
        selection = pick(self.rows, SELECTION, plan.left_out)
        statistics = label_statistics(self.tasks, self.rows.labels[train])
        torch.manual_seed(plan.seed)
        model = Teacher(
            self.settings,
            lenses=self.lenses,
            private=self.layout.inputs(self.layout.private),
            tasks=self.tasks,
            statistics=statistics,
        )
        model.prepare(self.rows.batch.select(self._fit_rows(train)).to(torch.device("cpu")))
        reporting: Report = report
        return Trainer(
            model.to(self.device),
            self.settings,
            statistics=statistics,
            train=Data(self.rows.batch.select(train), self.rows.labels[train]),
            selection=Data(self.rows.batch.select(selection), self.rows.labels[selection]),
            store=self._store(plan, train, selection),
            seed=plan.seed,
            device=self.device,
            report=reporting,
        ).run()

    def _fit_rows(self, train: torch.Tensor) -> torch.Tensor:
        # Whatever is measured rather than learned is measured at the first train date only.
        dates = self.rows.keys["as_of"].cast(pa.int32()).to_numpy()[train.numpy()]
        return train[torch.from_numpy(dates == dates.min())]
