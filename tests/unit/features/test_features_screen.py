"""The screen's AUC against counting pairs."""

import numpy as np
import pytest

from training_jobs.features.screen import auc_by_task


def naive(values: np.ndarray, label: np.ndarray) -> float:
    """Count pairs; missing below every value; ties count half."""
    filled = np.where(np.isnan(values), -np.inf, values)
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in filled[label == 1]
        for low in filled[label == 0]
    ]
    auc = sum(wins) / len(wins)
    return max(auc, 1 - auc)


@pytest.mark.parametrize("seed", range(5))
def test_auc_counts_pairs_with_ties_and_gaps(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 6, 80).astype(np.float32)
    values[draw.random(80) < 0.2] = np.nan
    label = (draw.random(80) < 0.3).astype(np.float64)
    masked = label.copy()
    masked[draw.random(80) < 0.1] = np.nan
    found = auc_by_task(values, {"all": label, "masked": masked})
    assert found["all"] == pytest.approx(naive(values, label))
    assert found["masked"] == pytest.approx(naive(values, masked))


def test_a_column_that_is_present_for_positives_alone_is_seen() -> None:
    label = np.array([0.0, 1.0] * 20)
    values = np.where(label == 1, 3.0, np.nan).astype(np.float32)
    assert auc_by_task(values, {"y": label}) == {"y": 1.0}


def test_direction_does_not_matter() -> None:
    label = np.array([0.0, 0.0, 1.0, 1.0])
    values = np.array([4, 3, 2, 1], np.float32)
    assert auc_by_task(values, {"y": label}) == auc_by_task(-values, {"y": label}) == {"y": 1.0}
