"""Examples of all splits with known causes, a teacher that knows them, and light settings."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from configs.settings.distillation import DistillationSettings, Range
from configs.settings.run import load_run_settings
from training_jobs.distillation.binned import bin_rows
from training_jobs.distillation.one_task import Outcome, run_task
from training_jobs.distillation.rows import Floats, Rows, TaskRow

COUNTS = {"train": 900, "selection": 400, "calibration": 400, "test": 600, "score": 200}
COLUMNS = ("cause", "second", "third", "noise", "gaps", "still")
BINARY = TaskRow("leaves", "binary", "bce", ())
CLASSES = TaskRow("next", "multiclass", "ce", ("a", "b", "c"))
VALUE = TaskRow("share", "regression", "huber", ())
COUNT = TaskRow("count", "regression", "poisson", ())
TASKS = (BINARY, CLASSES, VALUE, COUNT)
ANYTHING = Range(low=-1e9)


@dataclass(frozen=True)
class World:
    """Rows and what the teacher says of them, task -> [N] or [N, C]."""

    rows: Rows
    teacher: dict[str, Floats]

    def where(self, *splits: str) -> np.ndarray:
        """Return [N], True for the rows of the splits."""
        return np.isin(self.rows.split, splits)

    def relabelled(self, task: TaskRow, labels: Floats) -> "World":
        """Return the world with other labels of one task."""
        changed = {**self.rows.labels, task.name: labels}
        return replace(self, rows=replace(self.rows, labels=changed))

    def refeatured(self, features: np.ndarray) -> "World":
        """Return the world with other features."""
        return replace(self, rows=replace(self.rows, features=features.astype(np.float32)))

    def retaught(self, task: TaskRow, teacher: Floats) -> "World":
        """Return the world with another teacher of one task."""
        return replace(self, teacher={**self.teacher, task.name: teacher})


def make_world(seed: int = 0) -> World:
    """Draw it: `cause` and `second` move every task, `noise` none, `still` never changes.

    `gaps` is missing for half the rows, and binary labels are far likelier where it is.
    """
    rng = np.random.default_rng(seed)
    split = np.repeat(list(COUNTS), list(COUNTS.values()))
    total = len(split)
    features = rng.normal(size=(total, len(COLUMNS)))
    missing = rng.random(total) < 0.5
    features[missing, COLUMNS.index("gaps")] = np.nan
    features[:, COLUMNS.index("still")] = 1.0
    cause, second = features[:, 0], features[:, 1]
    chance = 1 / (1 + np.exp(-(1.3 * cause + second + 2.0 * missing - 2.0)))
    scores = np.stack([cause, second, np.zeros(total)], axis=1)
    classes = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    mean = 0.5 + 0.3 * cause
    rate = np.exp(0.4 * cause - 0.2)
    labels = {
        BINARY.name: (rng.random(total) < chance).astype(float),
        CLASSES.name: (rng.random((total, 1)) > classes.cumsum(axis=1)).sum(axis=1).astype(float),
        VALUE.name: mean + 0.3 * rng.normal(size=total),
        COUNT.name: rng.poisson(rate).astype(float),
    }
    for values in labels.values():
        values[split == "score"] = np.nan
    days = {"train": 0, "selection": 1, "calibration": 1, "test": 2, "score": 3}
    customers = pa.array([f"c{row:05d}" for row in range(total)])
    as_of = pa.array([f"2025-0{1 + days[name]}-01" for name in split])
    return World(
        Rows(
            keys=customers,
            customers=customers,
            as_of=as_of,
            split=split,
            cold=np.zeros(total, dtype=bool),
            features=features.astype(np.float32),
            columns=COLUMNS,
            labels=labels,
        ),
        {BINARY.name: chance, CLASSES.name: classes, VALUE.name: mean, COUNT.name: rate},
    )


def hazy_chances(rows: int = 400) -> tuple[Floats, Floats, Floats]:
    """Return labels, their true chances, and the chances seen through a haze."""
    rng = np.random.default_rng(9)
    logit = rng.normal(size=rows)
    truth = 1 / (1 + np.exp(-logit))
    hazy = 1 / (1 + np.exp(-(logit + rng.normal(size=rows))))
    return (rng.random(rows) < truth).astype(float), truth, np.round(hazy, 2)


def shipped(**overrides: Any) -> DistillationSettings:
    """Return the settings that ship, a few rounds and resamples only.

    Trees are shown more of the columns: the shipped share is for a thousand, these worlds have few.
    """
    light = {"student.rounds": 60, "student.feature_share": 0.4, "tiers.replicates": 50}
    changes = {f"distillation.{key}": value for key, value in (light | overrides).items()}
    return load_run_settings("synthetic", changes).distillation


def tolerant(settings: DistillationSettings) -> DistillationSettings:
    """Return the settings with tier-1 ranges that nothing finite leaves."""
    names = (
        "auc_gap",
        "calibration_slope",
        "observed_expected",
        "ece_share",
        "macro_f1_gap",
        "mae_gap",
        "rmse_gap",
    )
    tiers = settings.tiers.model_copy(update=dict.fromkeys(names, ANYTHING))
    return settings.model_copy(update={"tiers": tiers})


def distilled(
    world: World,
    task: TaskRow,
    settings: DistillationSettings,
    *,
    route: str = "DISTILL",
    route_reason: str = "",
) -> Outcome:
    """Run one task of a world."""
    everything = np.arange(len(world.rows.columns))
    return run_task(
        task,
        world.rows,
        world.teacher[task.name],
        settings,
        binned=bin_rows(world.rows, everything, settings.student),
        route=route,
        route_reason=route_reason,
    )


def text_of(outcome: Outcome) -> str:
    """Return the served student's model text."""
    assert outcome.student is not None, outcome.reason
    return outcome.student.booster.model_to_string()


def trees_of(outcome: Outcome) -> str:
    """Return the trees alone: the parameters that LightGBM writes below them are left out."""
    return text_of(outcome).partition("\nparameters:")[0]
