"""Baselines: the prior is train's, persistence is a table of train, boosting ignores masks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from configs.settings.tasks import TasksSettings
from tests.fixtures.training_stages import pipeline
from tests.unit.evaluation.judging import settings, task
from training_jobs.evaluation.baselines import WINDOW, fit_baselines, prior, state_table
from training_jobs.evaluation.frame import Frame

DECLARED = {row.name: row for row in TasksSettings.model_validate(pipeline("tasks")).tasks}
ROWS = 300


def frame(seed: int = 0, rows: int = ROWS, states: dict[str, Any] | None = None) -> Frame:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 3)).astype(np.float32)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-2 * features[:, 0]))).astype(np.float64)
    return Frame(
        customers=np.arange(rows),
        cold=np.zeros(rows, dtype=bool),
        features=features,
        labels={"task": labels},
        states=states or {},
        teacher={},
    )


def test_prior_is_that_of_the_labelled_train_rows() -> None:
    labels = np.array([1.0, 0.0, 0.0, np.nan])
    assert prior(task(), labels) == pytest.approx([2 / 5])
    classes = np.array([0.0, 2.0, 2.0, np.nan])
    assert prior(task("multiclass", "ce", 3), classes) == pytest.approx([2 / 6, 1 / 6, 3 / 6])
    assert prior(task("regression", "huber"), np.array([1.0, 4.0, np.nan])) == pytest.approx([2.5])


def test_persistence_counts_labels_by_state_and_falls_back_on_the_prior() -> None:
    train = frame(rows=5, states={"b_segment": np.array([1.0, 1.0, 2.0, np.nan, 2.0])})
    train = replace(train, labels={"task": np.array([0.0, 0.0, 1.0, 1.0, np.nan])})
    shares = np.array([0.25, 0.75])
    spec = task("multiclass", "ce", 2)
    predict = state_table(spec, "b_segment", train, shares, 2.0)
    asked = frame(rows=4, states={"b_segment": np.array([2.0, 1.0, 7.0, np.nan])})
    expected = [
        [0.5 / 3, (1.5 + 1) / 3],
        [(0.5 + 2) / 4, 1.5 / 4],
        [0.25, 0.75],
        [0.25, 0.75],
    ]
    assert predict(asked).tolist() == pytest.approx(np.array(expected))


def fitted(train: Frame, selection: Frame, name: str, spec: Any = None) -> dict[str, Any]:
    return dict(
        fit_baselines(
            spec or task(),
            DECLARED[name],
            settings(),
            train=train,
            selection=selection,
            categorical=[],
        ).predictors
    )


def test_majority_says_the_train_prior_of_everyone() -> None:
    train, other = frame(), frame(1)
    made = fitted(train, other, "churn_signal")
    assert set(made) == {"majority", "lightgbm_hard"}
    rate = (train.labels["task"].sum() + 1) / (ROWS + 2)
    assert made["majority"](other).tolist() == pytest.approx([rate] * ROWS)


def test_boosting_learns_what_the_inputs_say_and_not_from_masked_rows() -> None:
    train, other = frame(), frame(1)
    junk = train.features.copy()
    labels = train.labels["task"].copy()
    labels[: ROWS // 3] = np.nan
    junk[: ROWS // 3] = 99
    masked = replace(train, features=junk, labels={"task": labels})
    kept = replace(
        train, features=train.features[ROWS // 3 :], labels={"task": labels[ROWS // 3 :]}
    )
    from_masked = fitted(masked, other, "churn_signal")["lightgbm_hard"](other)
    from_kept = fitted(kept, other, "churn_signal")["lightgbm_hard"](other)
    assert np.array_equal(from_masked, from_kept)
    assert np.corrcoef(from_kept, other.features[:, 0])[0, 1] > 0.7


def test_boosting_never_reads_what_it_is_judged_on() -> None:
    """Its predictions are a function of train and selection labels and of inputs alone."""
    train, selection, test = frame(), frame(1), frame(2)
    made = fitted(train, selection, "churn_signal")
    before = made["lightgbm_hard"](test)
    flipped = replace(test, labels={"task": 1 - test.labels["task"]})
    assert np.array_equal(before, made["lightgbm_hard"](flipped))


def test_window_tasks_have_a_persistence_from_counts_of_the_window_before() -> None:
    counts = {name: np.arange(ROWS, dtype=np.float64) % 7 for name in WINDOW}
    made = fitted(frame(states=counts), frame(1, states=counts), "top_mcc_shift")
    assert set(made) == {"majority", "persistence", "lightgbm_hard"}
    lacking = fitted(frame(), frame(1), "top_mcc_shift")
    assert "persistence" not in lacking, "absent inputs are no baseline, never zeros"


def test_segments_persist_and_other_class_tasks_do_not() -> None:
    rng = np.random.default_rng(0)
    spec = task("multiclass", "ce", 3)

    def classes(seed: int) -> Frame:
        made = frame(seed, states={"b_segment": rng.integers(0, 3, ROWS).astype(float)})
        return replace(made, labels={"task": made.states["b_segment"]})

    train, selection = classes(0), classes(1)
    made = fitted(train, selection, "segment_prediction", spec)
    found = made["persistence"](selection)
    assert (found.argmax(axis=1) == selection.labels["task"]).all()
    assert "persistence" not in fitted(train, selection, "nba_primary", spec)
