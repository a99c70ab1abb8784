"""Fidelity figures against hand calculations; bars judged by interval, ends included."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import f1_score

from configs.settings.distillation import Range, Tiers
from tests.unit.distillation.distillation_world import (
    BINARY,
    CLASSES,
    COUNT,
    VALUE,
    hazy_chances,
    shipped,
)
from training_jobs.distillation.rows import Floats, TaskRow
from training_jobs.distillation.tiers import (
    Condition,
    calibration_error_share,
    condition,
    resamples,
    tier_one,
)

TIERS = shipped().tiers
POINTS = 10
BAR = 0.05


def _judged(values: list[float], range_: Range, tier: int = 1) -> bool:
    return condition("x", np.array(values), range_, tier=tier, level=0.95).kept


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([BAR, BAR, BAR], True),
        ([BAR + 1e-12, BAR + 1e-12, BAR + 1e-12], False),
        ([0.2, 0.2, 0.2], False),
        ([0.2, 0.0, 0.4], True),
        ([0.0, 0.0, 0.4], True),
        ([-3.0, -3.0, -3.0], True),
    ],
)
def test_tier_one_breaks_only_where_the_whole_interval_lies_above_the_bar(
    values: list[float], kept: bool
) -> None:
    assert _judged(values, Range(high=BAR)) is kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0.8, True), (1.25, True), (0.8 - 1e-12, False), (1.25 + 1e-12, False), (1.0, True)],
)
def test_both_ends_of_a_range_belong_to_it(value: float, kept: bool) -> None:
    assert _judged([value] * 3, Range(low=0.8, high=1.25)) is kept
    assert _judged([value], Range(low=0.8, high=1.25), tier=2) is kept


def test_an_interval_that_straddles_a_range_breaks_nothing() -> None:
    assert _judged([5.0, 0.0, 10.0], Range(low=0.8, high=1.25))


def test_tier_two_is_judged_by_the_point_alone() -> None:
    assert not _judged([0.2, 0.0, 0.4], Range(high=BAR), tier=2)


def test_the_interval_is_that_of_the_resamples_at_the_level() -> None:
    drawn = np.arange(1001.0)
    found = condition("x", np.concatenate([[500.0], drawn]), Range(low=0.0), tier=1, level=0.9)
    assert (found.value, found.low, found.high) == pytest.approx((500.0, 50.0, 950.0))


def test_resamples_without_a_value_are_left_out_of_the_interval() -> None:
    found = condition("x", np.array([1.0, np.nan, 1.0, 2.0]), Range(low=0.0), tier=1, level=0.95)
    assert found.low is not None
    assert found.high is not None
    assert 1.0 <= found.low < found.high <= 2.0


@pytest.mark.parametrize(("tier", "kept"), [(1, False), (2, True)])
def test_what_cannot_be_measured_blocks_in_tier_one_only(tier: int, kept: bool) -> None:
    found = condition("x", np.array([np.nan, 0.0]), Range(low=0.0), tier=tier, level=0.95)
    assert (found.value, found.low, found.high, found.kept) == (None, None, None, kept)


@pytest.mark.parametrize(
    ("range_", "text"),
    [
        (Range(high=0.05), "<= 0.05"),
        (Range(low=0.9), ">= 0.9"),
        (Range(low=0.8, high=1.25), "0.8 to 1.25"),
    ],
)
def test_the_bar_is_told_in_words(range_: Range, text: str) -> None:
    assert condition("x", np.ones(2), range_, tier=1, level=0.95).bound == text


def test_a_range_without_ends_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one end"):
        Range()


def test_resamples_draw_as_many_rows_as_there_are_and_begin_with_the_rows_themselves() -> None:
    weights = resamples(30, TIERS)
    assert weights.shape == (1 + TIERS.replicates, 30)
    np.testing.assert_array_equal(weights[0], np.ones(30))
    np.testing.assert_array_equal(weights.sum(axis=1), np.full(len(weights), 30.0))
    assert weights[1:].max() > 1
    np.testing.assert_array_equal(weights, resamples(30, TIERS))


def _auc(y: Floats, p: Floats) -> float:
    wins = [float(a > b) + 0.5 * float(a == b) for a in p[y == 1] for b in p[y == 0]]
    return sum(wins) / len(wins)


def _one(task: TaskRow, y: Floats, student: Floats, teacher: Floats) -> dict[str, Condition]:
    found = tier_one(task, y=y, student=student, teacher=teacher, tiers=TIERS, points=POINTS)
    assert {row.tier for row in found} == {1}
    return {row.name: row for row in found}


def test_the_auc_gap_is_the_teachers_wins_less_the_students() -> None:
    y, truth, hazy = hazy_chances()
    found = _one(BINARY, y, hazy, truth)["auc_gap"]
    assert found.value is not None
    assert found.value == pytest.approx(_auc(y, truth) - _auc(y, hazy))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_the_interval_of_the_gap_is_paired() -> None:
    """Student and teacher are weighed by the same resample: equal ones never differ."""
    y, truth, _ = hazy_chances()
    found = _one(BINARY, y, truth, truth)["auc_gap"]
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_observed_over_expected_is_positives_over_the_students_sum() -> None:
    y, truth, hazy = hazy_chances()
    found = _one(BINARY, y, hazy, truth)["observed_expected"]
    assert found.value == pytest.approx(y.sum() / hazy.sum())


def test_a_student_better_than_its_teacher_keeps_the_gaps() -> None:
    y, truth, hazy = hazy_chances(3000)
    assert _one(BINARY, y, truth, 1 - truth)["auc_gap"].kept
    assert not _one(BINARY, y, 1 - truth, truth)["auc_gap"].kept
    values = y + hazy
    good, bad = values + 0.01, values + 5.0
    for task in (VALUE, COUNT):
        assert all(row.kept for row in _one(task, values, good, bad).values())
        assert not any(row.kept for row in _one(task, values, bad, good).values())


def test_regression_gaps_are_in_standard_deviations_of_the_label() -> None:
    y = np.array([0.0, 2.0, 0.0, 2.0]) * 3
    student, teacher = y + np.array([1.0, -1.0, 1.0, -1.0]), y + np.array([0.0, 0.0, 0.0, 2.0])
    found = _one(VALUE, y, student, teacher)
    assert found["mae_gap"].value == pytest.approx((1.0 - 0.5) / 3.0)
    assert found["rmse_gap"].value == pytest.approx((1.0 - 1.0) / 3.0)


def test_the_macro_f1_gap_is_the_teachers_less_the_students() -> None:
    rng = np.random.default_rng(10)
    y = rng.integers(0, 3, 200).astype(float)
    student, teacher = rng.dirichlet(np.ones(3), 200), rng.dirichlet(np.ones(3), 200)
    teacher[:100] = np.eye(3)[y[:100].astype(int)]
    wanted = f1_score(y, teacher.argmax(1), average="macro") - f1_score(
        y, student.argmax(1), average="macro"
    )
    found = _one(CLASSES, y, student, teacher)
    assert list(found) == ["macro_f1_gap"]
    assert found["macro_f1_gap"].value == pytest.approx(wanted)
    assert not found["macro_f1_gap"].kept


def test_a_calibrated_predictor_has_no_error_beyond_noise_and_a_shifted_one_does() -> None:
    y, truth, _ = hazy_chances(4000)
    calm = calibration_error_share(y, truth, TIERS, POINTS)
    loud = calibration_error_share(y, np.clip(truth + 0.2, 0, 1), TIERS, POINTS)
    assert np.quantile(calm[1:], 0.025) <= 0 <= np.quantile(calm[1:], 0.975)
    assert loud[0] == pytest.approx(0.2 / y.mean(), rel=0.2)
    assert _one(BINARY, y, truth, truth)["ece_share"].kept
    assert not _one(BINARY, y, np.clip(truth + 0.2, 0, 1), truth)["ece_share"].kept


def test_the_noise_of_a_calibrated_predictor_is_taken_off_the_error() -> None:
    """Ten bins of thirty rows show an error by chance alone: a fair bar begins above it."""
    y, truth, _ = hazy_chances(300)
    found = calibration_error_share(y, truth, TIERS, POINTS)
    bins = np.array_split(np.argsort(truth, kind="stable"), POINTS)
    shown = sum(abs(float((y - truth)[rows].sum())) for rows in bins) / len(y) / y.mean()
    assert shown > 0.05
    noise = shown - found[1:]
    assert (noise > 0).all()
    assert found[0] == pytest.approx(shown - noise.mean())


def test_the_calibration_error_without_positives_is_not_defined() -> None:
    found = calibration_error_share(np.zeros(50), np.linspace(0.1, 0.2, 50), TIERS, POINTS)
    assert np.isnan(found).all()


def test_an_underconfident_student_breaks_the_slope() -> None:
    y, truth, _ = hazy_chances(4000)
    flat = 0.5 + 0.3 * (truth - 0.5)
    found = _one(BINARY, y, flat, truth)
    assert found["auc_gap"].kept
    assert not found["calibration_slope"].kept


def test_the_bars_that_ship_are_the_published_ones() -> None:
    wanted = {
        "auc_gap": Range(high=0.05),
        "calibration_slope": Range(low=0.8, high=1.25),
        "observed_expected": Range(low=0.9, high=1.1),
        "ece_share": Range(high=0.2),
        "macro_f1_gap": Range(high=0.1),
        "mae_gap": Range(high=0.05),
        "rmse_gap": Range(high=0.1),
        "rank_correlation": Range(low=0.9),
        "divergence": Range(high=0.1),
    }
    assert {name: getattr(TIERS, name) for name in wanted} == wanted


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_operating_share_lies_inside_zero_and_one(share: float) -> None:
    with pytest.raises(ValidationError):
        Tiers.model_validate(TIERS.model_dump() | {"operating_shares": [share]})
