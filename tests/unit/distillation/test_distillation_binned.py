"""Binning once for all tasks: whose rows set the edges, whose rows a task is lent."""

import lightgbm
import numpy as np
import pytest

from tests.unit.distillation.distillation_world import COLUMNS, World, make_world, shipped
from training_jobs.distillation.binned import Binned, bin_parameters, bin_rows, threads_for

STUDENT = shipped().student
EVERYTHING = np.arange(len(COLUMNS))


def _grown(data: Binned, labels: np.ndarray) -> lightgbm.Booster:
    data.train.set_label(labels)
    return lightgbm.train(
        bin_parameters(STUDENT) | {"objective": "regression", "num_threads": 1, "num_leaves": 31},
        data.train,
        40,
    )


def _text(world: World) -> str:
    data = bin_rows(world.rows, EVERYTHING, STUDENT)
    return _grown(data, world.rows.features[data.train_places, 0]).model_to_string()


@pytest.mark.parametrize(
    ("rows", "threads"), [(0, 1), (9, 1), (19, 1), (20, 2), (39, 3), (40, 4), (10**9, 4)]
)
def test_threads_grow_with_rows_up_to_the_most(rows: int, threads: int) -> None:
    student = STUDENT.model_copy(update={"threads": 4, "rows_per_thread": 10})
    assert threads_for(rows, student) == threads


def test_train_rows_alone_set_the_bins() -> None:
    world = make_world()
    features = world.rows.features.astype(float)
    features[world.rows.split != "train"] *= 1000.0
    assert _text(world.refeatured(features)) == _text(world)


def test_train_rows_do_set_the_bins() -> None:
    world = make_world()
    features = world.rows.features.astype(float)
    features[world.rows.split == "train"] *= 2.0
    assert _text(world.refeatured(features)) != _text(world)


def test_a_task_is_lent_its_labelled_rows_and_no_others() -> None:
    world = make_world()
    known = np.random.default_rng(3).random(len(world.rows.split)) < 0.5
    data = bin_rows(world.rows, EVERYTHING, STUDENT).where(known)
    train = np.flatnonzero(known & (world.rows.split == "train"))
    selection = np.flatnonzero(known & (world.rows.split == "selection"))
    np.testing.assert_array_equal(data.train_places, train)
    np.testing.assert_array_equal(data.valid_places, selection)
    assert (data.train.num_data(), data.valid.num_data()) == (len(train), len(selection))
    # The rows lent carry their own features: a label that is a feature can be learned from them.
    labels = world.rows.features[train, 1]
    found = np.asarray(_grown(data, labels).predict(world.rows.features[train]))
    assert np.corrcoef(found, labels)[0, 1] > 0.99


def test_lending_leaves_the_whole_as_it_was() -> None:
    world = make_world()
    whole = bin_rows(world.rows, EVERYTHING, STUDENT)
    labels = world.rows.features[whole.train_places, 0]
    before = _grown(whole, labels).model_to_string()
    part = whole.where(world.rows.features[:, 2] > 0)
    _grown(part, np.zeros(len(part.train_places)))
    assert _grown(whole, labels).model_to_string() == before


def test_some_columns_are_binned_as_among_all() -> None:
    world = make_world()
    some = bin_rows(world.rows, np.array([1, 3]), STUDENT)
    labels = world.rows.features[some.train_places, 1]
    cut = {**bin_parameters(STUDENT), "objective": "regression", "num_leaves": 8}

    def thresholds(data: Binned) -> str:
        data.train.set_label(labels)
        text = lightgbm.train({**cut, "num_threads": 1}, data.train, 1).model_to_string()
        return next(line for line in text.splitlines() if line.startswith("threshold="))

    assert thresholds(some) == thresholds(bin_rows(world.rows, EVERYTHING, STUDENT))


def test_no_other_split_is_binned() -> None:
    data = bin_rows(make_world().rows, EVERYTHING, STUDENT)
    rows = make_world().rows
    assert set(rows.split[data.train_places]) == {"train"}
    assert set(rows.split[data.valid_places]) == {"selection"}
