"""Metrics equal scikit-learn's or a hand count, and a row of weight two is that row twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression

from configs.errors import SevenLensError
from training_jobs.evaluation import sample as registry
from training_jobs.evaluation.binary import equal_mass_bins
from training_jobs.evaluation.metrics import Sample, find_metric
from training_jobs.evaluation.sample import Array, metric

ROWS = 400
BINARY = ("auc", "pr_auc", "log_loss_skill", "calibration_slope", "observed_expected", "ece")
MULTICLASS = ("macro_f1", "ndcg_at_1", "ndcg_at_3", "ndcg_at_5", "log_loss_skill")
REGRESSION = (
    "mae",
    "rmse",
    "r2",
    "poisson_deviance",
    "share_at_one",
    "pr_auc_below_one",
    "mse_skill",
)
FIXED_BINS = {"ece"}
"""Their bins are those of the whole sample, in every replicate."""


def once(y: Any, p: Any, **more: Any) -> Sample:
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    return Sample(y, p, np.ones((1, len(y))), **more)


def value(name: str, sample: Sample) -> float:
    found = find_metric(name)(sample)
    assert found.shape == (len(sample.weights),)
    return float(found[0])


def binary(seed: int = 0) -> Sample:
    """Scores rounded so that a third of the rows are tied."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=ROWS)
    p = np.round(expit(score - 1), 2).clip(0.01, 0.99)
    y = rng.random(ROWS) < expit(1.4 * score - 1.3)
    return once(y, p, reference=np.full(ROWS, 0.3))


def multiclass(seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(ROWS, 6))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    return once(y, p, reference=np.full((ROWS, 6), 1 / 6))


def regression(seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    p = rng.gamma(2.0, 0.6, ROWS)
    return once(rng.poisson(p), p, reference=np.full(ROWS, 1.2))


def makers() -> list[Any]:
    groups: tuple[tuple[tuple[str, ...], Callable[..., Sample]], ...] = (
        (BINARY, binary),
        (MULTICLASS, multiclass),
        (REGRESSION, regression),
    )
    return [
        pytest.param(name, make, id=f"{name}-{make.__name__}")
        for names, make in groups
        for name in names
        if name not in FIXED_BINS
    ]


def test_every_registered_metric_is_tested_here() -> None:
    assert set(registry._METRICS) == {*BINARY, *MULTICLASS, *REGRESSION}


def test_auc_counts_ties_one_half() -> None:
    s = binary()
    assert len(np.unique(s.p)) < ROWS / 2
    assert value("auc", s) == pytest.approx(reference.roc_auc_score(s.y, s.p))
    assert value("auc", once([1, 0], [0.5, 0.5])) == 0.5
    assert value("auc", once([1, 0, 0], [0.2, 0.1, 0.3])) == 0.5


def test_average_precision_treats_tied_scores_as_one_threshold() -> None:
    s = binary()
    assert value("pr_auc", s) == pytest.approx(reference.average_precision_score(s.y, s.p))
    assert value("pr_auc", once([1, 0, 0, 0], [0.5] * 4)) == pytest.approx(0.25)


def test_log_loss_skill_is_one_minus_the_ratio_of_log_losses() -> None:
    s = binary()
    prior = reference.log_loss(s.y, np.full(ROWS, 0.3))
    assert value("log_loss_skill", s) == pytest.approx(1 - reference.log_loss(s.y, s.p) / prior)
    m = multiclass()
    expected = 1 - reference.log_loss(m.y, m.p, labels=range(6)) / np.log(6)
    assert value("log_loss_skill", m) == pytest.approx(expected)
    assert np.isnan(value("log_loss_skill", replace(s, reference=None)))


def test_calibration_slope_is_that_of_a_logistic_regression() -> None:
    s = binary()
    x = logit(s.p)[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, s.y)
    assert value("calibration_slope", s) == pytest.approx(float(fitted.coef_[0, 0]), rel=1e-4)


def test_calibration_slope_is_above_one_for_timid_and_below_for_bold_predictions() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(size=20_000)
    y = rng.random(20_000) < expit(score)
    slopes = [value("calibration_slope", once(y, expit(k * score))) for k in (0.5, 1.0, 2.0)]
    assert slopes == pytest.approx([2.0, 1.0, 0.5], rel=0.06)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),
        ([0, 1], [0.3] * 2),
    ],
    ids=["no positive", "perfect separation", "constant"],
)
def test_calibration_slope_that_does_not_exist_is_undefined(y: list[int], p: list[float]) -> None:
    assert np.isnan(value("calibration_slope", once(y, p)))


def test_observed_over_expected_by_hand() -> None:
    assert value("observed_expected", once([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.6])) == pytest.approx(
        0.8
    )


def test_calibration_error_over_equal_mass_bins_by_hand() -> None:
    # Two bins of three rows: |1 - 0.6| and |2 - 2.4|, over six rows.
    y, p = [0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]
    expected = (abs(1 - 0.6) + abs(2 - 2.4)) / 6
    assert value("ece", once(y, p, points=2)) == pytest.approx(expected)
    order = [5, 2, 0, 3, 1, 4]
    mixed = once(np.array(y)[order], np.array(p)[order], points=2)
    assert value("ece", mixed) == pytest.approx(expected)
    # Bins of equal width would put all but one row together here.
    skewed = once([0, 0, 0, 1], [0.01, 0.02, 0.03, 0.9], points=2)
    assert value("ece", skewed) == pytest.approx((0.03 + abs(1 - 0.93)) / 4)


def test_equal_predictions_share_a_bin_whatever_the_order_of_rows() -> None:
    """A constant that is right on average is calibrated: sorting by label must not undo it."""
    assert value("ece", once([0, 0, 1, 1], [0.5] * 4, points=2)) == 0.0
    assert value("ece", once([0, 1, 0, 1], [0.5] * 4, points=2)) == 0.0
    bins = equal_mass_bins(np.array([0.3, 0.1, 0.3, 0.9]), 4)
    assert bins.tolist() == [1, 0, 1, 3]


def test_macro_f1_is_that_of_the_likeliest_class() -> None:
    s = multiclass()
    expected = reference.f1_score(s.y, s.p.argmax(axis=1), average="macro")
    assert value("macro_f1", s) == pytest.approx(expected)
    # Class 2 is neither labelled nor predicted and does not count as a zero.
    perfect = once([0, 1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert value("macro_f1", perfect) == 1.0


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_ndcg_is_that_of_one_relevant_class(cut: int) -> None:
    s = multiclass()
    relevance = np.eye(6)[s.y.astype(int)]
    assert value(f"ndcg_at_{cut}", s) == pytest.approx(reference.ndcg_score(relevance, s.p, k=cut))


def test_ndcg_of_tied_classes_is_not_flattered() -> None:
    """A prediction alike for all classes must not put every true class first."""
    flat = once([0, 1, 2], np.full((3, 3), 1 / 3))
    expected = np.mean([1.0, 1 / np.log2(3), 0.5])
    assert value("ndcg_at_3", flat) == pytest.approx(expected)


def test_regression_metrics_are_the_reference_ones() -> None:
    s = regression()
    assert value("mae", s) == pytest.approx(reference.mean_absolute_error(s.y, s.p))
    assert value("rmse", s) == pytest.approx(reference.root_mean_squared_error(s.y, s.p))
    assert value("r2", s) == pytest.approx(reference.r2_score(s.y, s.p))
    assert value("poisson_deviance", s) == pytest.approx(reference.mean_poisson_deviance(s.y, s.p))
    assert s.reference is not None
    ratio = reference.mean_squared_error(s.y, s.p) / reference.mean_squared_error(s.y, s.reference)
    assert value("mse_skill", s) == pytest.approx(1 - ratio)


def test_r2_keeps_its_digits_far_from_zero_and_is_undefined_for_a_constant_label() -> None:
    s = regression()
    far = replace(s, y=s.y + 1e8, p=s.p + 1e8)
    assert value("r2", far) == pytest.approx(reference.r2_score(s.y, s.p), rel=1e-6)
    assert np.isnan(value("r2", once([0.1] * 7, [0.2] * 7)))


def test_stability_metrics_find_labels_below_one_by_low_predictions() -> None:
    y, p = np.array([1.0, 0.4, 1.0, 0.9, 1.0]), np.array([0.95, 0.3, 0.9, 0.93, 0.99])
    assert value("share_at_one", once(y, p)) == pytest.approx(0.6)
    expected = reference.average_precision_score(y < 1, -p)
    assert value("pr_auc_below_one", once(y, p)) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "make"), makers())
def test_weights_count_rows(name: str, make: Callable[..., Sample]) -> None:
    """Each replicate equals the metric on the rows it drew, their classes included."""
    whole = make()
    some = 40
    rng = np.random.default_rng(1)
    assert whole.reference is not None
    cut = Sample(whole.y[:some], whole.p[:some], np.ones((1, some)), whole.reference[:some])
    weights = rng.multinomial(some, np.full(some, 1 / some), size=6).astype(np.float64)
    found = find_metric(name)(replace(cut, weights=weights))
    for replicate, row in zip(found, weights, strict=True):
        drawn = np.repeat(np.arange(some), row.astype(int))
        expected = value(
            name, once(cut.y[drawn], cut.p[drawn], reference=whole.reference[:some][drawn])
        )
        assert replicate == pytest.approx(expected, nan_ok=True, rel=1e-9)


def test_calibration_error_weighs_rows_in_bins_of_the_whole_sample() -> None:
    s = once([0, 1, 0, 1], [0.1, 0.2, 0.7, 0.9], points=2)
    weighted = replace(s, weights=np.array([[2.0, 0.0, 1.0, 1.0]]))
    assert value("ece", weighted) == pytest.approx((0.2 + abs(1 - 1.6)) / 4)


@pytest.mark.parametrize("name", ["auc", "pr_auc"])
def test_a_rank_metric_without_both_sides_is_undefined(name: str) -> None:
    assert np.isnan(value(name, once([0, 0], [0.1, 0.2])))


def test_a_metric_name_is_taken_once_and_an_unknown_one_is_refused() -> None:
    def other(sample: Sample) -> Array:
        return sample.y

    with pytest.raises(SevenLensError, match="twice"):
        metric("auc")(other)
    with pytest.raises(SevenLensError, match="gini"):
        find_metric("gini")
