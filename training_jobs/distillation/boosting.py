"""Training one student: objective, label and selection loss by the type of its task."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from configs.contracts.packed_model import Link
from configs.settings.distillation import Student
from training_jobs.distillation.binned import Binned, bin_parameters, threads_for
from training_jobs.distillation.rows import Floats, TaskRow

EPSILON = 1e-12
LEAST_CURVATURE = 1e-6
Objective = Callable[[Floats, lightgbm.Dataset], tuple[Floats, Floats]]


def link_of(task: TaskRow) -> Link:
    """Return what turns the sum of a task's trees into its output."""
    if task.type == "binary":
        return Link.SIGMOID
    if task.type == "multiclass":
        return Link.SOFTMAX
    return Link.EXP if task.loss == "poisson" else Link.IDENTITY


def softmax(raw: Floats) -> Floats:
    """Return row-wise softmax of [n, C]."""
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def output(task: TaskRow, raw: Floats) -> Floats:
    """Return the output of raw sums: [n] or, for classes, [n, C]."""
    link = link_of(task)
    if link is Link.SIGMOID:
        return np.asarray(1.0 / (1.0 + np.exp(-raw)))
    if link is Link.SOFTMAX:
        return softmax(raw)
    return np.exp(raw) if link is Link.EXP else raw


def soft_label(task: TaskRow, hard: Floats, soft: Floats, weight: float) -> Floats:
    """Return (1 - weight) x label + weight x teacher; classes as [n, C] distributions."""
    if task.type == "multiclass":
        exact = np.eye(task.width)[hard.astype(np.int64)]
        return np.asarray((1.0 - weight) * exact + weight * soft)
    return np.asarray((1.0 - weight) * hard + weight * soft)


def selection_loss(task: TaskRow, y: Floats, p: Floats) -> float:
    """Return the mean loss of outputs against hard labels: log-loss, deviance, or squares."""
    if task.type == "binary":
        kept = np.clip(p, EPSILON, 1 - EPSILON)
        return float(-np.mean(y * np.log(kept) + (1 - y) * np.log1p(-kept)))
    if task.type == "multiclass":
        chosen = p[np.arange(len(y)), y.astype(np.int64)]
        return float(-np.mean(np.log(np.clip(chosen, EPSILON, None))))
    if task.loss == "poisson":
        return float(np.mean(p - y * np.log(np.clip(p, EPSILON, None))))
    return float(np.mean((p - y) ** 2))


def soft_classes(target: Floats) -> Objective:
    """Return the cross-entropy against class distributions [n, C], for LightGBM.

    LightGBM's own takes class indices only. Gradients are [n, C] (LightGBM 4 lays them out by
    class itself); the diagonal of the Hessian is raised by C / (C - 1), as LightGBM's own does
    for trees that move all classes at once.
    """
    factor = target.shape[1] / (target.shape[1] - 1.0)

    def objective(raw: Floats, _data: lightgbm.Dataset) -> tuple[Floats, Floats]:
        p = softmax(raw.reshape(target.shape))
        return p - target, np.maximum(factor * p * (1.0 - p), LEAST_CURVATURE)

    return objective


def _parameters(task: TaskRow, student: Student, objective: Any, rows: int) -> dict[str, Any]:
    growth = student.class_growth if task.type == "multiclass" else student.growth
    parameters = {
        **bin_parameters(student),
        "objective": objective,
        "learning_rate": growth.learning_rate,
        "num_leaves": growth.leaves,
        "feature_fraction": student.feature_share,
        "lambda_l2": student.l2,
        "num_threads": threads_for(rows, student),
        "seed": student.seed,
        "metric": "None",
    }
    if task.type == "multiclass":
        parameters["num_class"] = task.width
    return parameters


@dataclass(frozen=True)
class Fitted:
    """A trained student over the columns it was given.

    Attributes:
        columns: positions of its inputs among the decision inputs.
        loss: selection loss of its output.
    """

    booster: lightgbm.Booster
    columns: NDArray[np.int64]
    loss: float

    @property
    def trees(self) -> int:
        """Trees up to the best round: those that are written and that predict."""
        each = self.booster.num_model_per_iteration()
        return min(self.booster.num_trees(), self.booster.best_iteration * each)

    def raw(self, features: NDArray[np.float32], threads: int) -> Floats:
        """Return the sums of trees, [n] or [n, C], for [n, F] decision inputs."""
        found = self.booster.predict(features[:, self.columns], raw_score=True, num_threads=threads)
        return np.asarray(found, dtype=np.float64)


def fit(
    task: TaskRow, student: Student, *, data: Binned, target: Floats, valid_labels: Floats
) -> Fitted:
    """Train until the selection loss stops falling.

    Args:
        task: its type and loss choose the objective.
        student: sizes and rates.
        data: n train rows and m rows of the selection half; their labels are set here.
        target: [n] labels, or [n, C] distributions.
        valid_labels: [m] hard labels.
    """
    objectives: dict[str, Any] = {"binary": "cross_entropy"}
    objective = objectives.get(task.type, "poisson" if task.loss == "poisson" else "huber")
    label, patience = target, student.growth.patience
    if task.type == "multiclass":
        objective, patience = soft_classes(target), student.class_growth.patience
        label = target.argmax(axis=1).astype(np.float64)
    data.train.set_label(label)
    data.valid.set_label(valid_labels)

    def loss(raw: Floats, _data: lightgbm.Dataset) -> tuple[str, float, bool]:
        # With objectives of its own LightGBM hands over outputs, with ours raw sums.
        p = softmax(raw.reshape(len(valid_labels), -1)) if task.type == "multiclass" else raw
        return "selection", selection_loss(task, valid_labels, p), False

    booster = lightgbm.train(
        _parameters(task, student, objective, len(target)),
        data.train,
        num_boost_round=student.rounds,
        valid_sets=[data.valid],
        feval=loss,
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    return Fitted(booster, data.columns, float(booster.best_score["valid_0"]["selection"]))


def strongest(fitted: Fitted, share: float) -> NDArray[np.int64]:
    """Return, in column order, the fewest columns that together bring `share` of the gain."""
    gain = np.asarray(fitted.booster.feature_importance("gain"), dtype=np.float64)
    if gain.sum() <= 0:
        return fitted.columns
    order = np.argsort(-gain, kind="stable")
    reached = np.cumsum(gain[order]) / gain.sum()
    kept = order[: int(np.searchsorted(reached, share)) + 1]
    return np.sort(fitted.columns[kept])
