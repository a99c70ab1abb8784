"""When a task has no student, and what is said of it."""

import numpy as np
import pytest

from tests.unit.distillation.distillation_world import (
    BINARY,
    CLASSES,
    COLUMNS,
    World,
    distilled,
    shipped,
    tolerant,
)

SETTINGS = tolerant(shipped())
CHOSEN = ("soft_weight", "choices", "calibrator", "route")


def test_rules_asked_for_train_nothing(world: World) -> None:
    found = distilled(world, BINARY, SETTINGS, route="RULES", route_reason="teacher too weak")
    assert (found.route, found.requested, found.reason) == ("RULES", "RULES", "teacher too weak")
    assert found.student is None
    assert found.scores is None
    assert found.as_json(COLUMNS)["features"] == []


def test_a_teacher_without_predictions_leaves_the_task_to_rules(world: World) -> None:
    teacher = world.teacher[BINARY.name].copy()
    teacher[0] = np.nan
    found = distilled(world.retaught(BINARY, teacher), BINARY, SETTINGS)
    assert (found.route, found.requested, found.student) == ("RULES", "DISTILL", None)
    assert "not all finite" in found.reason


@pytest.mark.parametrize("split", ["train", "selection", "calibration", "test"])
def test_a_split_without_labels_leaves_the_task_to_rules(world: World, split: str) -> None:
    labels = world.rows.labels[CLASSES.name].copy()
    labels[world.where(split)] = np.nan
    found = distilled(world.relabelled(CLASSES, labels), CLASSES, SETTINGS, route="DIRECT")
    assert (found.route, found.reason) == ("RULES", f"no labelled rows in {split}")


@pytest.mark.parametrize("split", ["train", "calibration"])
def test_a_binary_split_of_one_class_leaves_the_task_to_rules(world: World, split: str) -> None:
    labels = world.rows.labels[BINARY.name].copy()
    labels[world.where(split)] = 0.0
    found = distilled(world.relabelled(BINARY, labels), BINARY, SETTINGS)
    assert (found.route, found.reason) == ("RULES", f"every label of {split} is 0")


def test_a_broken_bar_withholds_the_student_and_says_which(world: World) -> None:
    """The student ranks test rows the wrong way round; its teacher does not."""
    test = world.where("test")
    labels = world.rows.labels[BINARY.name].copy()
    labels[test] = 1 - labels[test]
    teacher = world.teacher[BINARY.name].copy()
    teacher[test] = 1 - teacher[test]
    found = distilled(world.relabelled(BINARY, labels).retaught(BINARY, teacher), BINARY, shipped())
    assert (found.route, found.requested) == ("RULES", "DISTILL")
    assert found.student is None
    assert found.scores is None
    assert found.reason.startswith("withheld on test: auc_gap 0.")
    assert "wanted <= 0.05" in found.reason
    assert found.quality["auc"]["student"] < 0.5


def test_a_sound_student_is_served_by_the_route_that_was_asked_for(world: World) -> None:
    for route in ("DISTILL", "DIRECT"):
        found = distilled(world, BINARY, shipped(), route=route)
        assert (found.route, found.requested, found.reason) == (route, route, "")


def test_a_student_that_says_the_same_for_everyone_is_withheld(world: World) -> None:
    flat = world.refeatured(np.ones_like(world.rows.features))
    found = distilled(flat, CLASSES, SETTINGS)
    assert found.route == "RULES"
    assert "the same for everyone" in found.reason
