"""What a student must keep of its teacher, measured on test with intervals by resampling.

Each test customer has one row, so resampling rows is resampling customers.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from configs.settings.distillation import Range, Tiers
from training_jobs.distillation.rows import Floats, TaskRow
from training_jobs.evaluation.metrics import Sample, find_metric


@dataclass(frozen=True)
class Condition:
    """One measured condition.

    Attributes:
        tier: 1 must hold, 2 is reported.
        value, low, high: point estimate and interval; None where undefined.
        kept: for tier 1 False when the whole interval lies outside the bound, or nothing could
            be measured; for tier 2 whether the point estimate lies inside.
    """

    name: str
    tier: int
    value: float | None
    low: float | None
    high: float | None
    bound: str
    kept: bool

    def as_json(self) -> dict[str, Any]:
        """Return the condition as plain values."""
        return asdict(self)


def resamples(rows: int, tiers: Tiers) -> Floats:
    """Return [1 + R, n] weights: ones, then R multinomial resamples."""
    rng = np.random.default_rng(tiers.seed)
    drawn = rng.multinomial(rows, np.full(rows, 1.0 / rows), size=tiers.replicates)
    return np.vstack([np.ones(rows), drawn.astype(np.float64)])


def _bound(range_: Range) -> str:
    if range_.low is None:
        return f"<= {range_.high}"
    return f">= {range_.low}" if range_.high is None else f"{range_.low} to {range_.high}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def condition(name: str, values: Floats, range_: Range, *, tier: int, level: float) -> Condition:
    """Return a condition from a point estimate (first) and its resamples (the rest)."""
    drawn = values[1:][np.isfinite(values[1:])]
    point = float(values[0])
    if not np.isfinite(point):
        return Condition(name, tier, None, None, None, _bound(range_), tier == 2)
    tail = (1 - level) / 2
    low, high = (
        (float(np.quantile(drawn, tail)), float(np.quantile(drawn, 1 - tail)))
        if drawn.size
        else (point, point)
    )
    lower = -np.inf if range_.low is None else range_.low
    upper = np.inf if range_.high is None else range_.high
    kept = lower <= point <= upper if tier == 2 else not (high < lower or low > upper)
    return Condition(name, tier, point, _finite(low), _finite(high), _bound(range_), bool(kept))


def _measure(name: str, y: Floats, p: Floats, weights: Floats, points: int) -> Floats:
    return find_metric(name)(Sample(y, p, weights, points=points))


def calibration_error_share(y: Floats, p: Floats, tiers: Tiers, points: int) -> Floats:
    """Return [1 + R], the calibration error beyond that of a calibrated predictor, over the rate.

    The equal-mass error of n rows is above 0 even for a perfect predictor, by as much as its bins
    hold noise. So the error is set against those of labels drawn from the predictor itself
    (consistency resampling: Broecker and Smith, Increasing the Reliability of Reliability
    Diagrams, 2007): first their mean taken off, then each of them.
    """
    rate = float(y.mean())
    once = np.ones((1, len(y)))
    measured = float(_measure("ece", y, p, once, points)[0])
    rng = np.random.default_rng(tiers.seed)
    drawn = np.array(
        [
            _measure("ece", (rng.random(len(p)) < p).astype(np.float64), p, once, points)[0]
            for _ in range(tiers.replicates)
        ]
    )
    if rate == 0:
        return np.full(1 + len(drawn), np.nan)
    return np.concatenate([[measured - drawn.mean()], measured - drawn]) / rate


def tier_one(
    task: TaskRow, *, y: Floats, student: Floats, teacher: Floats, tiers: Tiers, points: int
) -> list[Condition]:
    """Return the conditions that a served student must keep, by the type of its task."""
    weights = resamples(len(y), tiers)

    def both(metric: str) -> tuple[Floats, Floats]:
        return (
            _measure(metric, y, teacher, weights, points),
            _measure(metric, y, student, weights, points),
        )

    def make(name: str, values: Floats, range_: Range) -> Condition:
        return condition(name, values, range_, tier=1, level=tiers.level)

    if task.type == "binary":
        ours, theirs = both("auc")[::-1]
        return [
            make("auc_gap", theirs - ours, tiers.auc_gap),
            make(
                "calibration_slope",
                _measure("calibration_slope", y, student, weights, points),
                tiers.calibration_slope,
            ),
            make(
                "observed_expected",
                _measure("observed_expected", y, student, weights, points),
                tiers.observed_expected,
            ),
            make("ece_share", calibration_error_share(y, student, tiers, points), tiers.ece_share),
        ]
    if task.type == "multiclass":
        theirs, ours = both("macro_f1")
        return [make("macro_f1_gap", theirs - ours, tiers.macro_f1_gap)]
    spread = float(y.std()) or 1.0
    rows = []
    for name, range_ in (("mae", tiers.mae_gap), ("rmse", tiers.rmse_gap)):
        theirs, ours = both(name)
        rows.append(make(f"{name}_gap", (ours - theirs) / spread, range_))
    return rows


def _ranks(values: Floats) -> Floats:
    return np.asarray(rankdata(values), dtype=np.float64)


def _correlation(a: Floats, b: Floats) -> float:
    ranks = _ranks(a), _ranks(b)
    if any(np.ptp(one) == 0 for one in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _divergence(p: Floats, q: Floats) -> float:
    """Mean Jensen-Shannon divergence in nats of row-wise class distributions."""
    middle = (p + q) / 2

    def kl(a: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(a > 0, a * np.log(a / middle), 0.0)
        return np.asarray(terms.sum(axis=1))

    return float(np.mean((kl(p) + kl(q)) / 2))


def _quartiles(values: Floats) -> Floats:
    return np.asarray(np.floor(4 * (_ranks(values) - 0.5) / len(values)))


def _picked(values: Floats, count: int) -> Floats:
    """Return [n], the chance of each row to be among the `count` highest; ties are drawn for."""
    cut = np.partition(values, -count)[-count]
    above, tied = values > cut, values == cut
    return np.asarray(above + tied * (count - above.sum()) / tied.sum())


def agreement_at(share: float, student: Floats, teacher: Floats) -> float:
    """Return the share of the teacher's picks that the student makes too, each picking as many."""
    count = max(1, round(share * len(teacher)))
    return float((_picked(student, count) * _picked(teacher, count)).sum() / count)


def tier_two(task: TaskRow, *, student: Floats, teacher: Floats, tiers: Tiers) -> list[Condition]:
    """Return how closely the student follows its teacher; reported, never blocking."""

    def make(name: str, value: float, range_: Range) -> Condition:
        return condition(name, np.array([value]), range_, tier=2, level=tiers.level)

    if task.type == "multiclass":
        return [make("divergence", _divergence(student, teacher), tiers.divergence)]
    agreement = float(np.mean(_quartiles(student) == _quartiles(teacher)))
    rows = [
        make("rank_correlation", _correlation(student, teacher), tiers.rank_correlation),
        make("quartile_agreement", agreement, tiers.quartile_agreement),
    ]
    if task.type == "binary":
        rows += [
            make(
                f"agreement_at_{share:g}",
                agreement_at(share, student, teacher),
                tiers.operating_agreement,
            )
            for share in tiers.operating_shares
        ]
    return rows
