"""Calibrators find planted distortions, keep the order, and say no more than they were shown."""

import json

import numpy as np
import pytest
from sklearn.metrics import log_loss

from configs.contracts.packed_model import Kind
from configs.settings.distillation import Calibration
from tests.unit.distillation.distillation_world import BINARY, CLASSES, COUNT, VALUE
from training_jobs.distillation.boosting import softmax
from training_jobs.distillation.calibrators import calibrated, fit_calibrator
from training_jobs.distillation.rows import Floats

FEW = Calibration(min_isotonic_positives=100)
PLATT = Calibration(min_isotonic_positives=10**9)
GRID = np.linspace(0.001, 0.999, 400)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _distorted(rows: int = 40_000) -> tuple[Floats, Floats]:
    """Outputs whose logit must be halved and lowered by 0.7 to be true chances, and labels."""
    rng = np.random.default_rng(5)
    logit = rng.normal(0, 2, rows)
    return (rng.random(rows) < _sigmoid(0.5 * logit - 0.7)).astype(float), _sigmoid(logit)


def test_platt_finds_the_planted_slope_and_shift() -> None:
    y, p = _distorted()
    found = fit_calibrator(BINARY, y, p, PLATT)
    assert found["kind"] == Kind.PLATT
    assert found["a"] == pytest.approx(0.5, abs=0.03)
    assert found["b"] == pytest.approx(-0.7, abs=0.03)


@pytest.mark.parametrize("settings", [PLATT, FEW])
def test_binary_calibrators_bring_the_planted_chances_back(settings: Calibration) -> None:
    y, p = _distorted()
    truth = _sigmoid(0.5 * (np.log(GRID) - np.log1p(-GRID)) - 0.7)
    found = calibrated(GRID, fit_calibrator(BINARY, y, p, settings))
    dense = (GRID > 0.05) & (GRID < 0.95)
    assert np.abs(found - truth)[dense].max() < 0.05


@pytest.mark.parametrize("settings", [PLATT, FEW])
def test_binary_calibrators_never_turn_the_order_round(settings: Calibration) -> None:
    y, p = _distorted(2000)
    assert (np.diff(calibrated(GRID, fit_calibrator(BINARY, y, p, settings))) >= 0).all()


def test_platt_is_strictly_increasing() -> None:
    y, p = _distorted(2000)
    assert (np.diff(calibrated(GRID, fit_calibrator(BINARY, y, p, PLATT))) > 0).all()


@pytest.mark.parametrize("rare", [0.0, 1.0])
@pytest.mark.parametrize(("count", "kind"), [(99, Kind.PLATT), (100, Kind.ISOTONIC)])
def test_isotonic_begins_at_its_fewest_rows_of_the_rarer_class(
    rare: float, count: int, kind: Kind
) -> None:
    y = np.full(1000, 1.0 - rare)
    y[np.linspace(0, 999, count).astype(int)] = rare
    p = np.random.default_rng(6).random(1000)
    assert fit_calibrator(BINARY, y, p, FEW)["kind"] == kind


def test_isotonic_is_never_certain() -> None:
    y = np.repeat([0.0, 1.0], 200)
    p = np.concatenate([np.linspace(0, 0.4, 200), np.linspace(0.6, 1, 200)])
    found = calibrated(np.array([-1.0, 0.0, 1.0, 2.0]), fit_calibrator(BINARY, y, p, FEW))
    np.testing.assert_allclose(found, [1 / 402, 1 / 402, 401 / 402, 401 / 402])


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_certain_student_can_be_calibrated(certain: float) -> None:
    y, p = _distorted(2000)
    p[0] = certain
    found = calibrated(p, fit_calibrator(BINARY, y, p, PLATT))
    assert np.isfinite(found).all()


def test_a_student_that_ranks_the_wrong_way_round_says_the_rate() -> None:
    y, p = _distorted()
    found = calibrated(GRID, fit_calibrator(BINARY, y, 1 - p, PLATT))
    np.testing.assert_allclose(found, y.mean())


def _classes(heat: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(7)
    raw = rng.normal(0, 1.5, (20_000, 3))
    y = (rng.random((len(raw), 1)) > softmax(raw).cumsum(axis=1)).sum(axis=1).astype(float)
    return y, softmax(raw * heat)


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_temperature_undoes_too_much_and_too_little_confidence(heat: float) -> None:
    y, p = _classes(heat)
    found = fit_calibrator(CLASSES, y, p, FEW)
    assert (found["kind"], found["t"]) == (Kind.TEMPERATURE, pytest.approx(heat, rel=0.05))


def test_temperature_changes_no_ones_likeliest_class_and_rows_still_sum_to_one() -> None:
    y, p = _classes(3.0)
    after = calibrated(p, fit_calibrator(CLASSES, y, p, FEW))
    np.testing.assert_array_equal(after.argmax(axis=1), p.argmax(axis=1))
    np.testing.assert_allclose(after.sum(axis=1), 1.0)
    assert log_loss(y, after) < log_loss(y, p)


def test_the_line_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(8)
    p = rng.normal(size=500)
    y = 2.0 * p - 1.0 + rng.normal(size=500)
    found = fit_calibrator(VALUE, y, p, FEW)
    slope, shift = np.polyfit(p, y, 1)
    assert (found["a"], found["b"]) == (pytest.approx(slope), pytest.approx(shift))


@pytest.mark.parametrize("p", [np.full(50, 0.1), -np.linspace(0, 1, 50)])
def test_a_line_that_would_fall_or_has_no_spread_leaves_the_mean(p: Floats) -> None:
    y = np.linspace(0, 2, 50)
    np.testing.assert_allclose(calibrated(p, fit_calibrator(VALUE, y, p, FEW)), 1.0)


def test_counts_are_scaled_to_their_mean_and_stay_positive() -> None:
    y, p = np.array([0.0, 0.0, 3.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.2])
    found = fit_calibrator(COUNT, y, p, FEW)
    assert (found["a"], found["b"]) == (pytest.approx(5.0), 0.0)
    np.testing.assert_allclose(calibrated(p, found), 5 * p)


def test_identity_changes_nothing() -> None:
    np.testing.assert_array_equal(calibrated(GRID, {"kind": Kind.IDENTITY}), GRID)


@pytest.mark.parametrize("settings", [PLATT, FEW])
def test_a_calibrator_read_back_from_json_says_the_same(settings: Calibration) -> None:
    y, p = _distorted(2000)
    found = fit_calibrator(BINARY, y, p, settings)
    again = json.loads(json.dumps(found))
    np.testing.assert_array_equal(calibrated(GRID, again), calibrated(GRID, found))
