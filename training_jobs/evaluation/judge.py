"""One task judged on one set of rows: every metric of every predictor, with paired intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.settings.evaluation import EvaluationSettings
from training_jobs.evaluation.baselines import MAJORITY, PERSISTENCE
from training_jobs.evaluation.binary import equal_mass_bins
from training_jobs.evaluation.bootstrap import Estimate, Resampler, number_customers, point
from training_jobs.evaluation.metrics import find_metric
from training_jobs.evaluation.sample import Array, Metric, Sample
from training_jobs.ple.tasks import REGRESSION, TaskSpec

OVER_PERSISTENCE = "skill_over_persistence"


@dataclass(frozen=True)
class Judgement:
    """Results of one task on one set of rows.

    Attributes:
        rows: labelled rows.
        metrics: metric -> predictor -> estimate.
        differences: metric -> teacher minus another predictor, paired by resample.
    """

    rows: int
    metrics: dict[str, dict[str, Estimate]]
    differences: dict[str, dict[str, Estimate]]

    def plain(self) -> dict[str, Any]:
        """Return the JSON form of the metrics."""
        return {
            metric: {name: estimate.plain() for name, estimate in by_name.items()}
            for metric, by_name in self.metrics.items()
        }


def metric_of(name: str, task: TaskSpec) -> Metric:
    """Return the function behind a metric's name."""
    if name == OVER_PERSISTENCE:
        return find_metric("mse_skill" if task.type == REGRESSION else "log_loss_skill")
    return find_metric(name)


def judge(
    task: TaskSpec,
    names: tuple[str, ...],
    settings: EvaluationSettings,
    *,
    labels: Array,
    customers: NDArray[Any],
    predictions: dict[str, Array],
) -> Judgement:
    """Measure every predictor; one with a prediction that is not finite has no metric at all.

    Args:
        task: the task.
        names: its metrics; skill over persistence is added where persistence predicts.
        settings: bootstrap, calibration points, fewest rows.
        labels: [n], NaN where masked.
        customers: [n] ids, the unit that is resampled.
        predictions: predictor -> [n] or [n, C]; `teacher`, `majority` and others.
    """
    seen = ~np.isnan(labels)
    y = labels[seen]
    predictions = {name: p[seen] for name, p in predictions.items()}
    wanted = list(names) + ([OVER_PERSISTENCE] if PERSISTENCE in predictions else [])
    if len(y) < settings.min_rows:
        nothing = Estimate(None, None, None)
        empty = {metric: dict.fromkeys(predictions, nothing) for metric in wanted}
        return Judgement(len(y), empty, {})
    resampler = Resampler(number_customers(customers[seen]), settings.bootstrap)
    sound = {name for name, p in predictions.items() if bool(np.isfinite(p).all())}
    metrics: dict[str, dict[str, Estimate]] = {}
    differences: dict[str, dict[str, Estimate]] = {}
    for metric in wanted:
        function = metric_of(metric, task)
        against = PERSISTENCE if metric == OVER_PERSISTENCE else MAJORITY
        estimates, draws = {}, {}
        for name, p in predictions.items():
            if name not in sound:
                # Ranks of NaN would make a number out of nothing.
                estimates[name] = Estimate(None, None, None)
                continue
            sample = Sample(
                y, p, np.ones((1, len(y))), predictions[against], settings.calibration_points
            )
            draws[name] = resampler.replicates(function, sample)
            estimates[name] = Estimate(point(function, sample), *resampler.interval(draws[name]))
        metrics[metric] = estimates
        differences[metric] = {
            name: _difference(estimates, draws, name, resampler)
            for name in predictions
            if name != "teacher"
        }
    return Judgement(len(y), metrics, differences)


def _difference(
    estimates: dict[str, Estimate], draws: dict[str, Array], name: str, resampler: Resampler
) -> Estimate:
    ours, theirs = estimates["teacher"].value, estimates[name].value
    if ours is None or theirs is None:
        return Estimate(None, None, None)
    return Estimate(ours - theirs, *resampler.interval(draws["teacher"] - draws[name]))


def calibration_points(
    labels: Array, predictions: Array, points: int
) -> list[dict[str, float | int]]:
    """Return the calibration curve: per equal-mass bin mean prediction, mean label, rows.

    For classes: confidence of the class predicted against how often it is right. Empty where a
    prediction is not finite.

    Args:
        labels: [n], NaN where masked.
        predictions: [n] or, for classes, [n, C].
        points: bins.
    """
    seen = ~np.isnan(labels)
    y, p = labels[seen], predictions[seen]
    if not np.isfinite(p).all():
        return []
    if p.ndim == 2:
        y, p = (p.argmax(axis=1) == y).astype(np.float64), p.max(axis=1)
    bins = equal_mass_bins(p, points)
    return [
        {
            "predicted": float(p[bins == number].mean()),
            "observed": float(y[bins == number].mean()),
            "count": int((bins == number).sum()),
        }
        for number in range(points)
        if bool((bins == number).any())
    ]
