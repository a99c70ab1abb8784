"""The points of a calibration curve, as stages hand them to the report."""

import numpy as np
import pytest

from training_jobs.evaluation.judge import calibration_points


def test_points_are_means_over_bins_of_equal_size() -> None:
    predictions = np.array([0.9, 0.1, 0.3, 0.7, 0.2])
    labels = np.array([1.0, 0.0, 1.0, 1.0, np.nan])
    low, high = calibration_points(labels, predictions, 2)
    assert (low["predicted"], low["observed"], low["count"]) == pytest.approx((0.2, 0.5, 2))
    assert (high["predicted"], high["observed"], high["count"]) == pytest.approx((0.8, 1.0, 2))


def test_classes_are_judged_by_confidence_in_the_one_chosen() -> None:
    predictions = np.array([[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    low, high = calibration_points(np.array([0.0, 1.0]), predictions, 2)
    assert (low["predicted"], low["observed"]) == pytest.approx((0.6, 1.0))
    assert (high["predicted"], high["observed"]) == pytest.approx((0.8, 0.0))
