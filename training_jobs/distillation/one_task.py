"""From one task's rows to its student: chosen on selection, calibrated, judged on test."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from configs.contracts.packed_model import Kind
from configs.settings.distillation import DistillationSettings
from training_jobs.distillation.binned import Binned, bin_rows, threads_for
from training_jobs.distillation.boosting import (
    Fitted,
    fit,
    link_of,
    output,
    soft_label,
    strongest,
)
from training_jobs.distillation.calibrators import calibrated, fit_calibrator
from training_jobs.distillation.rows import Floats, Rows, TaskRow
from training_jobs.distillation.tiers import Condition, tier_one, tier_two
from training_jobs.evaluation.judge import calibration_points
from training_jobs.evaluation.metrics import Sample, find_metric

DISTILL, DIRECT, RULES = "DISTILL", "DIRECT", "RULES"
NEEDS_BOTH = ("train", "calibration")
METRICS = {
    "binary": ("auc", "pr_auc", "log_loss_skill", "calibration_slope", "observed_expected", "ece"),
    "multiclass": ("log_loss_skill", "macro_f1"),
    "regression": ("mae", "rmse", "r2"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one task.

    Attributes:
        route: the route that serves: DISTILL, DIRECT or RULES.
        requested: the route that the evaluation asked for.
        reason: why the served route is not the requested one, or why it is RULES.
        student: the trained student; None on RULES.
        scores: [N] or [N, C] calibrated outputs of all rows.
        curves: calibration curves on test before and after the calibrator.
    """

    task: TaskRow
    route: str
    requested: str
    reason: str
    student: Fitted | None = None
    soft_weight: float = 0.0
    calibrator: dict[str, Any] = field(default_factory=lambda: {"kind": Kind.IDENTITY})
    scores: Floats | None = None
    conditions: tuple[Condition, ...] = ()
    quality: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)

    def as_json(self, columns: tuple[str, ...]) -> dict[str, Any]:
        """Return the task's entry in `students.json`."""
        student = self.student
        return {
            "route": self.route,
            "requested_route": self.requested,
            "reason": self.reason,
            "type": self.task.type,
            "link": link_of(self.task),
            "features": [columns[place] for place in student.columns] if student else [],
            "trees": student.trees if student else 0,
            "soft_weight": self.soft_weight,
            "selection_loss_by_soft_weight": self.choices,
            "calibrator": self.calibrator,
            "calibration": self.curves,
            "quality": self.quality,
            "tiers": [row.as_json() for row in self.conditions],
        }


def _labelled(rows: Rows, task: TaskRow, split: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    places = rows.of(split)
    return np.asarray(places[~np.isnan(rows.labels[task.name][places])])


def _lack(task: TaskRow, rows: Rows, teacher: Floats, route: str) -> str:
    """Return what a student of this task cannot be made without, empty when nothing is missing."""
    labels = rows.labels[task.name]
    for split in ("train", "selection", "calibration", "test"):
        found = labels[_labelled(rows, task, split)]
        if not found.size:
            return f"no labelled rows in {split}"
        if task.type == "binary" and split in NEEDS_BOTH and found.min() == found.max():
            return f"every label of {split} is {found[0]:g}"
    train = _labelled(rows, task, "train")
    if route == DISTILL and not np.isfinite(teacher[train]).all():
        return "the teacher's predictions of train rows are not all finite"
    return ""


def _train(
    task: TaskRow,
    rows: Rows,
    teacher: Floats,
    settings: DistillationSettings,
    *,
    binned: Binned,
    route: str,
) -> tuple[Fitted, float, dict[str, float]]:
    labels = rows.labels[task.name]
    known = ~np.isnan(labels)

    def grown(weight: float, data: Binned) -> Fitted:
        train = data.train_places
        return fit(
            task,
            settings.student,
            data=data,
            target=soft_label(task, labels[train], teacher[train], weight),
            valid_labels=labels[data.valid_places],
        )

    everything = binned.where(known)
    weights = settings.soft_weights if route == DISTILL else (0.0,)
    tried = {weight: grown(weight, everything) for weight in weights}
    best = min(tried, key=lambda weight: (tried[weight].loss, weight))
    kept = strongest(tried[best], settings.gain_share)
    final = grown(best, bin_rows(rows, kept, settings.student).where(known))
    return final, best, {str(weight): one.loss for weight, one in tried.items()}


def _quality(
    task: TaskRow, *, y: Floats, student: Floats, teacher: Floats, prior: Floats, points: int
) -> dict[str, Any]:
    once = np.ones((1, len(y)))
    found: dict[str, Any] = {}
    for name in METRICS[task.type]:
        values = {}
        for who, p in (("student", student), ("teacher", teacher)):
            value = float(find_metric(name)(Sample(y, p, once, reference=prior, points=points))[0])
            values[who] = value if np.isfinite(value) else None
        found[name] = values
    return found


def _prior(task: TaskRow, train: Floats, rows: int) -> Floats:
    if task.type == "multiclass":
        counts = np.bincount(train.astype(np.int64), minlength=task.width)
        return np.tile(counts / counts.sum(), (rows, 1))
    return np.full(rows, train.mean())


def _constant(scores: Floats) -> bool:
    return bool(np.allclose(scores, scores[:1]))


def run_task(
    task: TaskRow,
    rows: Rows,
    teacher: Floats,
    settings: DistillationSettings,
    *,
    binned: Binned,
    route: str,
    route_reason: str,
) -> Outcome:
    """Train, calibrate and judge one task's student.

    A student that breaks a tier-1 condition, is constant or is not finite is not served: the task
    falls to RULES. Test labels can only withhold a student here, never choose one.

    Args:
        task: the task.
        rows: N examples of all splits.
        teacher: [N] or [N, C] predictions; out of fold on train.
        settings: how students are grown, calibrated and judged.
        binned: all decision inputs of train and selection rows.
        route: DISTILL, DIRECT or RULES, as the evaluation asks.
        route_reason: why, told of RULES.
    """
    if route == RULES:
        return Outcome(task, RULES, route, route_reason or "the evaluation asked for rules")
    if lack := _lack(task, rows, teacher, route):
        return Outcome(task, RULES, route, lack)
    student, weight, choices = _train(task, rows, teacher, settings, binned=binned, route=route)
    p = output(task, student.raw(rows.features, threads_for(len(rows.keys), settings.student)))
    half = _labelled(rows, task, "calibration")
    labels = rows.labels[task.name]
    calibrator = fit_calibrator(task, labels[half], p[half], settings.calibration)
    scores = calibrated(p, calibrator)
    test = _labelled(rows, task, "test")
    y = labels[test]
    conditions = [
        *tier_one(
            task,
            y=y,
            student=scores[test],
            teacher=teacher[test],
            tiers=settings.tiers,
            points=settings.calibration_points,
        ),
        *tier_two(task, student=scores[test], teacher=teacher[test], tiers=settings.tiers),
    ]
    quality = _quality(
        task,
        y=y,
        student=scores[test],
        teacher=teacher[test],
        prior=_prior(task, labels[_labelled(rows, task, "train")], len(test)),
        points=settings.calibration_points,
    )
    faults = [
        f"{row.name} {row.value} (wanted {row.bound})"
        for row in conditions
        if row.tier == 1 and not row.kept
    ]
    if not np.isfinite(scores).all():
        faults.append("scores are not finite")
    elif _constant(scores):
        faults.append("the student says the same for everyone")
    return Outcome(
        task,
        RULES if faults else route,
        route,
        "withheld on test: " + "; ".join(faults) if faults else "",
        None if faults else student,
        weight,
        calibrator,
        None if faults else scores,
        tuple(conditions),
        quality,
        choices,
        {
            name: calibration_points(y, values[test], settings.calibration_points)
            for name, values in (("before", p), ("after", scores))
        },
    )
