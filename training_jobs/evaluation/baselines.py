"""What the teacher is put beside: the prior, persistence, and boosting on all decision inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.evaluation import EvaluationSettings
from configs.settings.tasks import Task
from training_jobs.evaluation.boosting import Labelled, boosted, fit_boosting
from training_jobs.evaluation.frame import Frame
from training_jobs.evaluation.sample import Array
from training_jobs.ple.tasks import BINARY, MULTICLASS, TaskSpec

MAJORITY, PERSISTENCE, BOOSTING = "majority", "persistence", "lightgbm_hard"
STATE = {"segment_at_end": "b_segment", "next_category": "newest_category"}
"""Derivation -> the state at `as_of` that a persistence table is keyed by."""
WINDOW = ("b_top1", "b_top2", "b_top3", "b_count", "b_distinct")
"""Counts of the window before `as_of`: what window tasks are persistent in."""
PRIOR_ROWS = 1.0

Predictor = Callable[[Frame], Array]


@dataclass(frozen=True)
class Fitted:
    """Predictors of one task, by name; persistence only where it is defined."""

    predictors: Mapping[str, Predictor]


def prior(task: TaskSpec, labels: Array) -> Array:
    """Return [C] class shares, or [1] base rate or mean, of the labelled train rows."""
    y = labels[~np.isnan(labels)]
    if task.type == MULTICLASS:
        counts = np.bincount(y.astype(np.int64), minlength=task.outputs) + PRIOR_ROWS
        shares: Array = counts / counts.sum()
        return shares
    if task.type == BINARY:
        return np.array([(y.sum() + PRIOR_ROWS) / (len(y) + 2 * PRIOR_ROWS)])
    return np.array([y.mean()])


def constant(task: TaskSpec, values: Array) -> Predictor:
    """Return a predictor that says the prior of everyone."""

    def predict(frame: Frame) -> Array:
        rows = len(frame.cold)
        return np.tile(values, (rows, 1)) if task.type == MULTICLASS else np.full(rows, values[0])

    return predict


def state_table(
    task: TaskSpec, state: str, train: Frame, shares: Array, smoothing: float
) -> Predictor:
    """Return a predictor P(class | state at `as_of`), counted on train.

    Args:
        task: a multiclass task.
        state: column of `Frame.states`; a missing or unknown state gives the prior.
        train: rows counted.
        shares: [C] prior.
        smoothing: rows of the prior added to each state.
    """
    labels, states = train.labels[task.name], train.states[state]
    seen = ~np.isnan(labels) & ~np.isnan(states)
    known: NDArray[np.float64] = np.unique(states[seen])
    counts = np.tile(shares * smoothing, (len(known) + 1, 1))
    at = np.searchsorted(known, states[seen])
    np.add.at(counts, (at, labels[seen].astype(np.int64)), 1.0)
    table = counts / counts.sum(axis=1, keepdims=True)

    def predict(frame: Frame) -> Array:
        values = np.nan_to_num(frame.states[state], nan=-1.0)
        if not len(known):
            return np.tile(shares, (len(values), 1))
        at = np.minimum(np.searchsorted(known, values), len(known) - 1)
        return np.asarray(table[np.where(known[at] == values, at, len(known))])

    return predict


def _window(frame: Frame) -> Array:
    return np.stack([frame.states[name] for name in WINDOW], axis=1)


def fit_baselines(
    task: TaskSpec,
    declared: Task,
    settings: EvaluationSettings,
    *,
    train: Frame,
    selection: Frame,
    categorical: list[int],
) -> Fitted:
    """Fit every baseline of a task on train.

    Args:
        task: the task as it is after the viability gate.
        declared: the task as configured: derivation and whether persistence is reported.
        settings: budget of the boosting, smoothing of the tables.
        train: rows to fit.
        selection: rows that stop boosting.
        categorical: positions of categorical decision inputs.
    """
    shares = prior(task, train.labels[task.name])

    def boosting(inputs: Callable[[Frame], NDArray[np.floating]], columns: list[int]) -> Predictor:
        booster = fit_boosting(
            task,
            settings.boosting,
            train=Labelled(inputs(train), train.labels[task.name]),
            selection=Labelled(inputs(selection), selection.labels[task.name]),
            categorical=columns,
        )
        return lambda frame: boosted(booster, inputs(frame))

    predictors: dict[str, Predictor] = {MAJORITY: constant(task, shares)}
    state = STATE.get(declared.derivation.method)
    if state is not None and state in train.states and task.type == MULTICLASS:
        predictors[PERSISTENCE] = state_table(task, state, train, shares, settings.smoothing)
    elif declared.persistence and all(name in train.states for name in WINDOW):
        predictors[PERSISTENCE] = boosting(_window, [])
    predictors[BOOSTING] = boosting(lambda frame: frame.features, categorical)
    return Fitted(predictors)
