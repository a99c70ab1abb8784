"""How closely a student follows its teacher: reported figures against hand calculations."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

from tests.unit.distillation.distillation_world import (
    BINARY,
    CLASSES,
    VALUE,
    hazy_chances,
    shipped,
)
from training_jobs.distillation.rows import Floats, TaskRow
from training_jobs.distillation.tiers import (
    Condition,
    agreement_at,
    tier_two,
)

TIERS = shipped().tiers
POINTS = 10
BAR = 0.05


def _two(task: TaskRow, student: Floats, teacher: Floats) -> dict[str, Condition]:
    found = tier_two(task, student=student, teacher=teacher, tiers=TIERS)
    assert {row.tier for row in found} == {2}
    return {row.name: row for row in found}


def test_rank_correlation_is_spearmans_with_ties() -> None:
    _, truth, hazy = hazy_chances()
    found = _two(VALUE, hazy, truth)["rank_correlation"].value
    assert found == pytest.approx(spearmanr(hazy, truth).statistic)


def test_a_constant_student_has_no_rank_correlation() -> None:
    found = _two(BINARY, np.full(20, 0.1), np.linspace(0, 1, 20))
    assert found["rank_correlation"].value is None


def test_quartile_agreement_counts_rows_in_the_same_quarter() -> None:
    teacher = np.arange(8.0)
    assert _two(VALUE, teacher**3, teacher)["quartile_agreement"].value == 1.0
    assert _two(VALUE, teacher[::-1], teacher)["quartile_agreement"].value == 0.0
    swapped = np.array([0, 2, 1, 3, 4, 5, 6, 7.0])
    assert _two(VALUE, swapped, teacher)["quartile_agreement"].value == 0.75


def test_divergence_is_zero_for_equals_and_log_two_for_opposites() -> None:
    teacher = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    opposite = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    assert _two(CLASSES, teacher, teacher)["divergence"].value == 0.0
    assert _two(CLASSES, opposite, teacher)["divergence"].value == pytest.approx(math.log(2) / 2)


def test_divergence_is_jensens_and_shannons_mean_over_rows() -> None:
    rng = np.random.default_rng(11)
    p, q = rng.dirichlet(np.full(4, 0.4), 30), rng.dirichlet(np.ones(4), 30)
    wanted = np.mean([jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)])
    assert _two(CLASSES, p, q)["divergence"].value == pytest.approx(wanted)


def test_agreement_counts_the_teachers_picks_that_the_student_makes_too() -> None:
    teacher = np.arange(10.0)
    student = teacher.copy()
    student[[9, 0]] = student[[0, 9]]
    assert agreement_at(0.2, teacher * 2, teacher) == 1.0
    assert agreement_at(0.2, student, teacher) == 0.5
    assert agreement_at(0.1, student, teacher) == 0.0
    assert agreement_at(0.01, teacher, teacher) == 1.0


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_student_that_cannot_tell_rows_apart_agrees_by_chance_only(share: float) -> None:
    assert agreement_at(share, np.ones(10), np.arange(10.0)) == pytest.approx(share)


def test_ties_at_the_cut_are_drawn_for() -> None:
    teacher = np.array([0.0, 1.0, 2.0, 3.0])
    student = np.array([0.0, 5.0, 5.0, 9.0])
    assert agreement_at(0.5, student, teacher) == pytest.approx((1 + 0.5) / 2)


def test_binary_tasks_report_agreement_at_every_operating_point() -> None:
    _, truth, hazy = hazy_chances()
    found = _two(BINARY, hazy, truth)
    for share in TIERS.operating_shares:
        row = found[f"agreement_at_{share:g}"]
        assert row.value == agreement_at(share, hazy, truth)
        assert row.bound == f">= {TIERS.operating_agreement.low}"
    assert not any(name.startswith("agreement") for name in _two(VALUE, hazy, truth))
