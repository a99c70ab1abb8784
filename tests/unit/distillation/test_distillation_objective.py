"""Losses, gradients and links of students against independent calculations."""

import lightgbm
import numpy as np
import pytest

from tests.unit.distillation.distillation_world import (
    BINARY,
    CLASSES,
    COUNT,
    TASKS,
    VALUE,
    make_world,
    shipped,
)
from training_jobs.distillation.binned import bin_rows
from training_jobs.distillation.boosting import (
    LEAST_CURVATURE,
    Fitted,
    fit,
    output,
    selection_loss,
    soft_classes,
    soft_label,
    softmax,
    strongest,
)
from training_jobs.distillation.rows import Floats, TaskRow

STEP = 1e-5


def _cross_entropy(raw: Floats, target: Floats) -> Floats:
    logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    return np.asarray(-(target * logs).sum(axis=1))


@pytest.fixture
def drawn() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(7, 4)), rng.dirichlet(np.ones(4), size=7)


def _empty() -> lightgbm.Dataset:
    return lightgbm.Dataset(np.zeros((1, 1)))


def test_the_gradient_for_soft_classes_is_the_slope_of_the_cross_entropy(
    drawn: tuple[Floats, Floats],
) -> None:
    raw, target = drawn
    gradient, _ = soft_classes(target)(raw, _empty())
    for place in range(raw.shape[1]):
        step = np.zeros_like(raw)
        step[:, place] = STEP
        slope = _cross_entropy(raw + step, target) - _cross_entropy(raw - step, target)
        np.testing.assert_allclose(gradient[:, place], slope / (2 * STEP), atol=1e-8)


def test_the_hessian_is_the_raised_second_slope_of_the_cross_entropy(
    drawn: tuple[Floats, Floats],
) -> None:
    raw, target = drawn
    objective = soft_classes(target)
    _, hessian = objective(raw, _empty())
    for place in range(raw.shape[1]):
        step = np.zeros_like(raw)
        step[:, place] = STEP
        above, below = objective(raw + step, _empty())[0], objective(raw - step, _empty())[0]
        second = (above - below)[:, place] / (2 * STEP)
        np.testing.assert_allclose(hessian[:, place], 4 / 3 * second, atol=1e-8)


def test_the_hessian_of_certain_rows_stays_above_zero() -> None:
    raw = np.array([[800.0, 0.0, 0.0]])
    gradient, hessian = soft_classes(np.array([[0.2, 0.3, 0.5]]))(raw, _empty())
    assert hessian.min() == LEAST_CURVATURE
    np.testing.assert_allclose(gradient, [[0.8, -0.3, -0.5]])


def test_hard_classes_grow_the_trees_of_lightgbms_own_objective() -> None:
    """A gradient laid out row by row where LightGBM wants class by class would not."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(300, 3))
    labels = np.digitize(features[:, 0] + 0.3 * rng.normal(size=300), [-0.5, 0.5])
    common = {"num_class": 3, "verbose": -1, "num_leaves": 5, "boost_from_average": False}
    common |= {"deterministic": True, "force_col_wise": True, "num_threads": 1}
    theirs = lightgbm.train(
        {**common, "objective": "multiclass"}, lightgbm.Dataset(features, labels), 10
    )
    ours = lightgbm.train(
        {**common, "objective": soft_classes(np.eye(3)[labels])},
        lightgbm.Dataset(features, labels),
        10,
    )
    np.testing.assert_allclose(
        ours.predict(features, raw_score=True), theirs.predict(features, raw_score=True), atol=1e-5
    )


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_soft_labels_lie_between_label_and_teacher(weight: float) -> None:
    hard, soft = np.array([1.0, 0.0]), np.array([0.6, 0.2])
    wanted = [1 - weight * 0.4, weight * 0.2]
    np.testing.assert_allclose(soft_label(BINARY, hard, soft, weight), wanted)


def test_soft_classes_mix_the_labels_own_class_with_the_teachers_distribution() -> None:
    found = soft_label(CLASSES, np.array([2.0]), np.array([[0.5, 0.3, 0.2]]), 0.5)
    np.testing.assert_allclose(found, [[0.25, 0.15, 0.6]])


def test_selection_losses_are_those_of_the_textbook() -> None:
    y, p = np.array([1.0, 0.0]), np.array([0.8, 0.4])
    assert selection_loss(BINARY, y, p) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    classes = np.array([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]])
    assert selection_loss(CLASSES, y, classes) == pytest.approx(-(np.log(0.5) + np.log(0.7)) / 2)
    assert selection_loss(VALUE, y, p) == pytest.approx((0.04 + 0.16) / 2)
    assert selection_loss(COUNT, y, p) == pytest.approx((0.8 - np.log(0.8) + 0.4) / 2)


@pytest.mark.parametrize("task", [BINARY, CLASSES])
def test_certain_and_wrong_costs_much_but_not_infinity(task: TaskRow) -> None:
    p = np.array([[1.0, 0.0, 0.0]]) if task is CLASSES else np.array([0.0])
    assert 20 < selection_loss(task, np.array([1.0]), p) < 40


def test_softmax_survives_large_sums() -> None:
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def _grown(task: TaskRow, weight: float = 0.5) -> tuple[Fitted, Floats]:
    world, settings = make_world(), shipped()
    data = bin_rows(world.rows, np.arange(len(world.rows.columns)), settings.student)
    train, labels = data.train_places, world.rows.labels[task.name]
    target = soft_label(task, labels[train], world.teacher[task.name][train], weight)
    student = fit(
        task,
        settings.student,
        data=data,
        target=target,
        valid_labels=labels[data.valid_places],
    )
    return student, student.raw(world.rows.features, 1)


@pytest.mark.parametrize("task", [task for task in TASKS if task is not CLASSES])
def test_the_link_turns_sums_into_what_lightgbm_itself_would_put_out(task: TaskRow) -> None:
    student, raw = _grown(task)
    theirs = student.booster.predict(make_world().rows.features)
    np.testing.assert_allclose(output(task, raw), theirs, rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_outputs_follow_the_teachers_truth(task: TaskRow) -> None:
    """Fails when soft labels of one row meet the features of another."""
    _, raw = _grown(task, weight=1.0)
    world = make_world()
    test = world.rows.of("test")
    found, truth = output(task, raw)[test].ravel(), world.teacher[task.name][test].ravel()
    assert np.corrcoef(found, truth)[0, 1] > 0.9


@pytest.mark.parametrize("task", TASKS)
def test_the_reported_loss_is_that_of_the_rounds_kept(task: TaskRow) -> None:
    student, raw = _grown(task)
    rows = make_world().rows
    half = rows.of("selection")
    again = selection_loss(task, rows.labels[task.name][half], output(task, raw[half]))
    assert student.loss == pytest.approx(again, rel=1e-6)


def test_the_strongest_columns_are_the_fewest_that_reach_the_share() -> None:
    student, _ = _grown(BINARY)
    gain = np.asarray(student.booster.feature_importance("gain"))
    for share in (0.3, 0.6, 0.95):
        kept = strongest(student, share)
        assert list(kept) == sorted(kept)
        assert gain[kept].sum() >= share * gain.sum()
        weakest = kept[np.argmin(gain[kept])]
        assert gain[kept].sum() - gain[weakest] < share * gain.sum()
        assert gain[kept].min() >= np.delete(gain, kept).max()


def test_the_whole_share_keeps_every_column_that_gains() -> None:
    student, _ = _grown(BINARY)
    gain = np.asarray(student.booster.feature_importance("gain"))
    assert set(strongest(student, 1.0)) >= set(np.flatnonzero(gain > 1e-6 * gain.sum()))


def test_a_student_without_gain_keeps_its_columns() -> None:
    flat = lightgbm.train(
        {"objective": "regression", "verbose": -1},
        lightgbm.Dataset(np.zeros((50, 2)), np.zeros(50)),
        1,
    )
    columns = np.array([3, 8])
    np.testing.assert_array_equal(strongest(Fitted(flat, columns, 0.0), 0.95), columns)
