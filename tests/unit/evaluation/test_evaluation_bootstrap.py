"""Intervals resample customers, are paired, and cover what they promise to cover."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from configs.settings.evaluation import Bootstrap, EvaluationSettings
from tests.unit.evaluation.judging import settings, task
from training_jobs.evaluation import bootstrap
from training_jobs.evaluation.bootstrap import Resampler, number_customers, point
from training_jobs.evaluation.judge import Judgement, judge
from training_jobs.evaluation.metrics import Sample, find_metric

PLAN = Bootstrap(replicates=50, level=0.9, seed=3)


def sample(rows: int, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rows)
    return Sample(y, y + rng.normal(size=rows), np.ones((1, rows)))


def compare(
    chosen: EvaluationSettings, *, labels: Any, customers: Any, teacher: Any, majority: Any
) -> Judgement:
    return judge(
        task("regression", "huber"),
        ("mae",),
        chosen,
        labels=labels,
        customers=customers,
        predictions={"teacher": teacher, "majority": majority},
    )


def test_rows_of_a_customer_are_drawn_together_and_customers_with_replacement() -> None:
    customers = np.array([0, 1, 1, 2, 2, 2, 3, 0])
    weights = Resampler(customers, PLAN).weights
    assert weights.shape == (50, 8)
    first = [0, 1, 3, 6]
    by_customer = weights[:, first]
    assert np.array_equal(weights, by_customer[:, customers])
    assert (by_customer.sum(axis=1) == 4).all()
    assert by_customer.max() > 1
    assert (by_customer == 0).any()


def test_copies_of_a_customers_rows_do_not_narrow_its_interval() -> None:
    """The wrong bootstrap, of rows, would make ten copies look like ten times the data."""
    once = sample(40)
    ten = Sample(np.tile(once.y, 10), np.tile(once.p, 10), np.ones((1, 400)))
    customers = np.arange(40)
    mae = find_metric("mae")
    one = Resampler(customers, PLAN).replicates(mae, once)
    many = Resampler(np.tile(customers, 10), PLAN).replicates(mae, ten)
    np.testing.assert_allclose(one, many, rtol=1e-12)


def test_a_replicate_is_the_metric_on_the_customers_drawn() -> None:
    s, customers = sample(30), np.repeat(np.arange(10), 3)
    resampler = Resampler(customers, PLAN)
    found = resampler.replicates(find_metric("r2"), s)
    for number in (0, 17, 49):
        drawn = np.repeat(np.arange(30), resampler.weights[number])
        expected = find_metric("r2")(Sample(s.y[drawn], s.p[drawn], np.ones((1, len(drawn)))))
        assert found[number] == pytest.approx(float(expected[0]))


def test_replicates_do_not_depend_on_how_many_are_computed_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s, resampler = sample(30), Resampler(np.arange(30), PLAN)
    at_once = resampler.replicates(find_metric("mae"), s)
    monkeypatch.setattr(bootstrap, "CELLS", 100)
    found = resampler.replicates(find_metric("mae"), s)
    np.testing.assert_allclose(found, at_once, rtol=1e-12)


def test_seed_decides_on_the_draws_and_nothing_else() -> None:
    one, same = Resampler(np.arange(9), PLAN), Resampler(np.arange(9), PLAN)
    other = Resampler(np.arange(9), PLAN.model_copy(update={"seed": 4}))
    assert np.array_equal(one.weights, same.weights)
    assert not np.array_equal(one.weights, other.weights)


def test_interval_is_the_central_share_of_the_defined_replicates() -> None:
    resampler = Resampler(np.arange(3), PLAN)
    values = np.concatenate([np.arange(101.0), [np.nan, np.inf]])
    assert resampler.interval(values) == pytest.approx((5.0, 95.0))
    assert resampler.interval(np.array([np.nan, np.nan])) == (None, None)


def test_point_estimate_is_the_plain_metric_or_none() -> None:
    s = sample(30)
    weighted = replace(s, weights=np.zeros((2, 30)))
    assert point(find_metric("mae"), weighted) == pytest.approx(float(np.abs(s.y - s.p).mean()))
    assert point(find_metric("r2"), Sample(np.ones(3), np.zeros(3), np.ones((1, 3)))) is None


def test_customers_are_numbered_by_identity_and_not_by_place() -> None:
    assert number_customers(np.array(["b", "a", "b", "c"])).tolist() == [1, 0, 1, 2]


def test_a_predictor_does_not_differ_from_itself() -> None:
    s = sample(50)
    found = compare(
        settings(), labels=s.y, customers=np.arange(50), teacher=s.p, majority=s.p.copy()
    )
    difference = found.differences["mae"]["majority"]
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)
    single = found.metrics["mae"]["teacher"]
    assert single.low is not None
    assert single.high is not None
    assert single.high - single.low > 0.1


def test_difference_is_teacher_minus_the_other_on_the_same_draws() -> None:
    s = sample(50)
    chosen, customers = settings(), np.arange(50)
    other = s.p + 0.3
    found = compare(chosen, labels=s.y, customers=customers, teacher=s.p, majority=other)
    resampler = Resampler(customers, chosen.bootstrap)
    mae = find_metric("mae")
    draws = resampler.replicates(mae, s) - resampler.replicates(mae, replace(s, p=other))
    difference = found.differences["mae"]["majority"]
    assert difference.value == pytest.approx(
        float(np.abs(s.y - s.p).mean() - np.abs(s.y - other).mean())
    )
    assert (difference.low, difference.high) == pytest.approx(resampler.interval(draws))


def test_paired_intervals_cover_the_true_difference_of_clustered_rows() -> None:
    """Four rows a customer share most of their error; a bootstrap of rows covers two in three."""
    rng = np.random.default_rng(5)
    covered, runs, customers, per = 0, 150, 60, 4
    owner = np.repeat(np.arange(customers), per)
    chosen = settings(replicates=100, level=0.95)
    for _ in range(runs):
        ours = 1.0 + rng.gamma(4.0, 0.25, customers)[owner] + 0.1 * rng.random(len(owner))
        theirs = 1.0 + rng.gamma(4.0, 0.25, customers)[owner] + 0.1 * rng.random(len(owner)) + 0.2
        found = compare(
            chosen, labels=0 * ours, customers=owner, teacher=ours, majority=theirs
        ).differences["mae"]["majority"]
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= -0.2 <= found.high
    assert 0.89 <= covered / runs <= 0.99
