"""What decides about a student, what cannot, and when there is none."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from configs.settings.distillation import DistillationSettings
from tests.unit.distillation.distillation_world import (
    BINARY,
    CLASSES,
    COLUMNS,
    COUNTS,
    TASKS,
    World,
    distilled,
    make_world,
    shipped,
    text_of,
    tolerant,
    trees_of,
)
from training_jobs.distillation.boosting import output
from training_jobs.distillation.calibrators import calibrated, fit_calibrator
from training_jobs.distillation.one_task import Outcome
from training_jobs.distillation.rows import TaskRow

SETTINGS = tolerant(shipped())
CHOSEN = ("soft_weight", "choices", "calibrator", "route")


@pytest.fixture(scope="module")
def plain(world: World) -> dict[str, Outcome]:
    """The untouched world's students."""
    return {task.name: distilled(world, task, SETTINGS) for task in TASKS}


def _same_student(a: Outcome, b: Outcome) -> None:
    assert text_of(a) == text_of(b)
    assert a.student is not None
    assert b.student is not None
    np.testing.assert_array_equal(a.student.columns, b.student.columns)
    for name in CHOSEN:
        assert getattr(a, name) == getattr(b, name)


def _shuffled(world: World, task: TaskRow, *splits: str, seed: int = 0) -> World:
    labels = world.rows.labels[task.name].copy()
    for split in splits:
        places = np.flatnonzero(world.rows.split == split)
        labels[places] = np.random.default_rng(seed).permutation(labels[places])
    return world.relabelled(task, labels)


@pytest.mark.parametrize("task", TASKS)
def test_test_labels_change_test_figures_and_nothing_else(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    labels = world.rows.labels[task.name].copy()
    test = np.flatnonzero(world.where("test"))[::5]
    labels[test] = labels[np.roll(test, 1)]
    found = distilled(world.relabelled(task, labels), task, SETTINGS)
    _same_student(found, plain[task.name])
    np.testing.assert_array_equal(found.scores, plain[task.name].scores)
    assert found.quality != plain[task.name].quality


@pytest.mark.parametrize("task", TASKS)
def test_students_never_see_test_or_later_rows(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    unseen = world.where("test", "score")
    features = world.rows.features.copy()
    features[unseen] += np.random.default_rng(1).normal(0.5, 1.0, features[unseen].shape)
    teacher = world.teacher[task.name].copy()
    teacher[unseen] = np.random.default_rng(2).permutation(teacher[unseen])
    found = distilled(world.refeatured(features).retaught(task, teacher), task, SETTINGS)
    _same_student(found, plain[task.name])


@pytest.mark.parametrize("task", TASKS)
def test_calibration_labels_move_the_calibrator_and_no_tree(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    labels = world.rows.labels[task.name].copy()
    half = np.flatnonzero(world.where("calibration"))
    labels[half[: len(half) // 2]] = labels[half[0]]
    found = distilled(world.relabelled(task, labels), task, SETTINGS)
    assert text_of(found) == text_of(plain[task.name])
    assert found.calibrator != plain[task.name].calibrator


@pytest.mark.parametrize("task", TASKS)
def test_the_calibrator_is_that_of_the_calibration_half_alone(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    found = plain[task.name]
    assert found.student is not None
    p = output(task, found.student.raw(world.rows.features, 1))
    half = world.where("calibration")
    wanted = fit_calibrator(task, world.rows.labels[task.name][half], p[half], SETTINGS.calibration)
    assert found.calibrator == wanted
    np.testing.assert_array_equal(found.scores, calibrated(p, wanted))


@pytest.mark.parametrize("task", TASKS)
def test_the_teachers_view_of_selection_and_calibration_rows_decides_nothing(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    """Choices are made on hard labels: the teacher is not asked how its student does."""
    teacher = world.teacher[task.name].copy()
    judged = world.where("selection", "calibration")
    teacher[judged] = np.random.default_rng(3).permutation(teacher[judged])
    _same_student(distilled(world.retaught(task, teacher), task, SETTINGS), plain[task.name])


def test_a_student_of_shuffled_labels_falls_to_chance(world: World) -> None:
    """Fails when anything else than the labels of train rows carries the answer to test rows."""
    lost = _shuffled(world, BINARY, "train", "selection", "calibration")
    chance = distilled(lost, BINARY, SETTINGS, route="DIRECT").quality["auc"]["student"]
    real = distilled(world, BINARY, SETTINGS, route="DIRECT").quality["auc"]["student"]
    assert abs(chance - 0.5) < 0.08
    assert real > 0.8


def test_a_class_student_of_shuffled_labels_falls_to_the_prior(world: World) -> None:
    lost = _shuffled(world, CLASSES, "train", "selection", "calibration")
    chance = distilled(lost, CLASSES, SETTINGS, route="DIRECT").quality["log_loss_skill"]
    real = distilled(world, CLASSES, SETTINGS, route="DIRECT").quality["log_loss_skill"]
    assert abs(chance["student"]) < 0.03
    assert real["student"] > 0.06


def test_the_figures_are_those_of_calibrated_scores_on_labelled_test_rows(world: World) -> None:
    labels = world.rows.labels[BINARY.name].copy()
    test = np.flatnonzero(world.where("test"))
    labels[test[::3]] = np.nan
    found = distilled(world.relabelled(BINARY, labels), BINARY, SETTINGS)
    kept = test[~np.isnan(labels[test])]
    assert found.scores is not None
    teacher = world.teacher[BINARY.name]
    assert found.quality["auc"]["student"] == pytest.approx(
        roc_auc_score(labels[kept], found.scores[kept])
    )
    assert found.quality["auc"]["teacher"] == pytest.approx(
        roc_auc_score(labels[kept], teacher[kept])
    )
    assert found.quality["observed_expected"]["student"] == pytest.approx(
        labels[kept].sum() / found.scores[kept].sum()
    )
    judged = {row.name: row.value for row in found.conditions}
    figures = found.quality["auc"]
    assert judged["auc_gap"] == pytest.approx(figures["teacher"] - figures["student"])
    for name in ("observed_expected", "calibration_slope"):
        assert judged[name] == pytest.approx(found.quality[name]["student"])


def test_cold_customers_are_scored_but_not_judged(world: World, plain: dict[str, Outcome]) -> None:
    test = np.flatnonzero(world.where("test"))
    cold = world.rows.cold.copy()
    cold[test[:200]] = True
    labels = world.rows.labels[BINARY.name].copy()
    labels[test[:200]] = 1 - labels[test[:200]]
    seen = replace(world, rows=replace(world.rows, cold=cold))
    turned = seen.relabelled(BINARY, labels)
    found = distilled(turned, BINARY, SETTINGS)
    assert found.quality == distilled(seen, BINARY, SETTINGS).quality
    assert found.quality != plain[BINARY.name].quality
    assert found.scores is not None
    assert np.isfinite(found.scores).all()


def _noisy(world: World) -> World:
    """Half the hard train labels are coins: the teacher knows better."""
    labels = world.rows.labels[BINARY.name].copy()
    train = np.flatnonzero(world.where("train"))
    rng = np.random.default_rng(4)
    coins = train[rng.random(len(train)) < 0.5]
    labels[coins] = rng.integers(0, 2, len(coins))
    return world.relabelled(BINARY, labels)


def test_a_teacher_that_knows_better_is_listened_to(world: World) -> None:
    found = distilled(_noisy(world), BINARY, SETTINGS)
    assert found.soft_weight > 0
    assert set(found.choices) == {str(weight) for weight in SETTINGS.soft_weights}
    assert found.choices[str(found.soft_weight)] == min(found.choices.values())


def test_a_teacher_that_knows_nothing_is_not(world: World) -> None:
    babble = np.random.default_rng(5).random(len(world.rows.split))
    assert distilled(world.retaught(BINARY, babble), BINARY, SETTINGS).soft_weight == 0.0


def test_equal_weights_fall_to_the_hard_labels(world: World) -> None:
    """A teacher that repeats the labels makes every weight the same."""
    echo = np.nan_to_num(world.rows.labels[BINARY.name])
    assert distilled(world.retaught(BINARY, echo), BINARY, SETTINGS).soft_weight == 0.0


@pytest.mark.parametrize("task", TASKS)
def test_the_direct_route_does_not_listen_to_the_teacher(world: World, task: TaskRow) -> None:
    teacher = world.teacher[task.name].copy()
    train = world.where("train")
    teacher[train] = np.random.default_rng(6).permutation(teacher[train])
    direct = distilled(world, task, SETTINGS, route="DIRECT")
    deaf = distilled(world.retaught(task, teacher), task, SETTINGS, route="DIRECT")
    _same_student(direct, deaf)
    assert (direct.route, direct.soft_weight, list(direct.choices)) == ("DIRECT", 0.0, ["0.0"])


@pytest.mark.parametrize("task", TASKS)
def test_two_runs_are_equal_to_the_byte(
    world: World, plain: dict[str, Outcome], task: TaskRow
) -> None:
    again = distilled(make_world(), task, SETTINGS)
    _same_student(again, plain[task.name])
    assert again.as_json(COLUMNS) == plain[task.name].as_json(COLUMNS)


def _threaded(threads: int) -> DistillationSettings:
    student = SETTINGS.student.model_copy(update={"threads": threads, "rows_per_thread": 1})
    return SETTINGS.model_copy(update={"student": student})


def test_threads_change_no_tree(world: World) -> None:
    one, two = (distilled(world, CLASSES, _threaded(count)) for count in (1, 2))
    assert trees_of(one) == trees_of(two)
    np.testing.assert_array_equal(one.scores, two.scores)


def test_missing_values_are_read_as_such(plain: dict[str, Outcome]) -> None:
    """Binary labels are likelier where `gaps` is missing, whatever it says where it is not."""
    student = plain[BINARY.name].student
    assert student is not None
    rows = np.zeros((2, len(COLUMNS)), dtype=np.float32)
    rows[1, COLUMNS.index("gaps")] = np.nan
    known, missing = student.raw(rows, 1)
    assert missing > known + 0.8


def test_a_row_without_any_value_gets_a_finite_score(plain: dict[str, Outcome]) -> None:
    rows = np.full((1, len(COLUMNS)), np.nan, dtype=np.float32)
    for outcome in plain.values():
        assert outcome.student is not None
        assert np.isfinite(outcome.student.raw(rows, 1)).all()


def test_a_column_that_never_changes_is_not_kept(plain: dict[str, Outcome]) -> None:
    for outcome in plain.values():
        assert "still" not in outcome.as_json(COLUMNS)["features"]


def test_the_student_is_grown_again_on_the_columns_it_keeps(world: World) -> None:
    settings = SETTINGS.model_copy(update={"gain_share": 0.3})
    found = distilled(world, BINARY, settings)
    entry = found.as_json(COLUMNS)
    assert found.student is not None
    assert len(entry["features"]) < 3
    assert found.student.booster.num_feature() == len(entry["features"])


def test_the_trees_counted_are_the_trees_written(plain: dict[str, Outcome]) -> None:
    for outcome in plain.values():
        assert outcome.as_json(COLUMNS)["trees"] == text_of(outcome).count("\nTree=") > 0


def test_every_row_of_every_split_is_scored(plain: dict[str, Outcome]) -> None:
    for task in TASKS:
        scores = plain[task.name].scores
        assert scores is not None
        assert scores.shape[0] == sum(COUNTS.values())
        assert np.isfinite(scores).all()
