"""Gradient boosting on hard labels, with one fixed budget for every task."""

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from configs.settings.evaluation import Boosting
from training_jobs.evaluation.sample import Array
from training_jobs.ple.tasks import BINARY, MULTICLASS, POISSON, TaskSpec


@dataclass(frozen=True)
class Labelled:
    """Inputs [n, F] and labels [n], NaN where masked."""

    inputs: NDArray[np.floating]
    labels: Array

    def seen(self) -> "Labelled":
        """Return the labelled rows."""
        kept = ~np.isnan(self.labels)
        return Labelled(self.inputs[kept], self.labels[kept])


def _objective(task: TaskSpec) -> dict[str, Any]:
    if task.type == BINARY:
        return {"objective": "binary"}
    if task.type == MULTICLASS:
        return {"objective": "multiclass", "num_class": task.outputs}
    return {"objective": "poisson" if task.loss == POISSON else "regression"}


def fit_boosting(
    task: TaskSpec,
    settings: Boosting,
    *,
    train: Labelled,
    selection: Labelled,
    categorical: list[int],
) -> lgb.Booster:
    """Return a booster fitted on train, stopped on selection.

    Args:
        task: type and loss choose the objective.
        settings: the budget.
        train: rows to fit.
        selection: rows that stop it.
        categorical: positions of categorical columns.
    """
    parameters = {
        **_objective(task),
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.min_leaf_rows,
        "feature_fraction": settings.feature_share,
        "num_threads": settings.threads,
        "seed": settings.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    train, selection = train.seen(), selection.seen()
    fitted = lgb.Dataset(train.inputs, train.labels, categorical_feature=categorical)
    judged = lgb.Dataset(selection.inputs, selection.labels, reference=fitted)
    return lgb.train(
        parameters,
        fitted,
        num_boost_round=settings.rounds,
        valid_sets=[judged],
        callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
    )


def boosted(booster: lgb.Booster, inputs: NDArray[np.floating]) -> Array:
    """Return [n] or [n, C] predictions of the best round."""
    return np.asarray(booster.predict(inputs, num_iteration=booster.best_iteration), np.float64)
