"""One task judged: masks, references, calibration curves, and nothing made of NaN."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tests.unit.evaluation.judging import settings, task
from training_jobs.evaluation.bootstrap import Estimate
from training_jobs.evaluation.judge import Judgement, calibration_points, judge

NOTHING = Estimate(None, None, None)
ROWS = 80


def binary(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.1, 0.9, ROWS)
    return (rng.random(ROWS) < p).astype(np.float64), p


def judged(labels: Any, names: tuple[str, ...], **predictions: Any) -> Judgement:
    return judge(
        task(),
        names,
        settings(),
        labels=np.asarray(labels, dtype=np.float64),
        customers=np.arange(len(labels)),
        predictions=predictions,
    )


def test_masked_rows_count_for_nothing() -> None:
    y, p = binary()
    masked = np.where(np.arange(ROWS) % 4 == 0, np.nan, y)
    seen = ~np.isnan(masked)
    rate = np.full(ROWS, 0.5)
    found = judged(masked, ("auc", "log_loss_skill"), teacher=p, majority=rate)
    assert found.rows == int(seen.sum())
    assert found.metrics["auc"]["teacher"].value == pytest.approx(roc_auc_score(y[seen], p[seen]))
    junk = np.where(seen, p, np.nan)
    again = judged(masked, ("auc", "log_loss_skill"), teacher=junk, majority=rate)
    assert again.metrics == found.metrics


def test_skill_is_over_the_prior_and_over_persistence_where_that_predicts() -> None:
    y, p = binary()
    rate, before = np.full(ROWS, 0.5), np.clip(p + 0.1, 0, 0.99)
    found = judged(y, ("log_loss_skill",), teacher=p, majority=rate, persistence=before)
    over = found.metrics["skill_over_persistence"]["teacher"]
    assert over.value == pytest.approx(1 - log_loss(y, p) / log_loss(y, before))
    prior = found.metrics["log_loss_skill"]["teacher"]
    assert prior.value == pytest.approx(1 - log_loss(y, p) / log_loss(y, rate))
    assert found.metrics["skill_over_persistence"]["persistence"].value == pytest.approx(0.0)
    without = judged(y, ("log_loss_skill",), teacher=p, majority=rate)
    assert "skill_over_persistence" not in without.metrics


def test_intervals_hold_the_estimate_and_have_a_width() -> None:
    y, p = binary()
    found = judged(y, ("auc",), teacher=p, majority=np.full(ROWS, 0.5)).metrics["auc"]["teacher"]
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert found.low < found.value < found.high


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_prediction_that_is_not_finite_leaves_no_metric(bad: float) -> None:
    y, p = binary()
    p[3] = bad
    found = judged(y, ("auc", "ece"), teacher=p, majority=np.full(ROWS, 0.5))
    assert found.metrics["auc"]["teacher"] == found.metrics["ece"]["teacher"] == NOTHING
    assert found.differences["auc"]["majority"] == NOTHING
    assert found.metrics["auc"]["majority"].value == 0.5


def test_too_few_rows_give_no_metric() -> None:
    least = settings().min_rows
    y, p = binary()
    rate = np.full(ROWS, 0.5)
    masked = np.where(np.arange(ROWS) < least, y, np.nan)
    assert judged(masked, ("auc",), teacher=p, majority=rate).metrics["auc"]["teacher"] != NOTHING
    masked[0] = np.nan
    found = judged(masked, ("auc",), teacher=p, majority=rate)
    assert found.metrics["auc"]["teacher"] == NOTHING
    assert found.rows == least - 1


def test_calibration_curve_by_hand() -> None:
    labels = np.array([0.0, 1.0, np.nan, 1.0, 1.0])
    predictions = np.array([0.1, 0.3, 0.4, 0.6, 0.8])
    assert calibration_points(labels, predictions, 2) == [
        {"predicted": pytest.approx(0.2), "observed": 0.5, "count": 2},
        {"predicted": pytest.approx(0.7), "observed": 1.0, "count": 2},
    ]


def test_calibration_curve_of_classes_is_confidence_against_being_right() -> None:
    labels = np.array([0.0, 1.0, 2.0])
    predictions = np.array([[0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.1, 0.0, 0.9]])
    assert calibration_points(labels, predictions, 1) == [
        {"predicted": pytest.approx(2.2 / 3), "observed": pytest.approx(2 / 3), "count": 3}
    ]


def test_calibration_curve_of_a_broken_teacher_is_empty() -> None:
    assert calibration_points(np.array([0.0, 1.0]), np.array([0.5, np.nan]), 2) == []
