"""Ranking: comparable scores, closed constraints, diversity, lens shares that sum to one."""

import math
from datetime import date

import pytest

from lambdas.decision.catalogue import Eligibility, Person, Product, age_at, refusal
from lambdas.decision.ranking import (
    Part,
    TaskRule,
    about_group,
    by_popularity,
    diverse,
    lens_shares,
    rank,
)
from tests.fixtures import serving

POLICY = serving.policy()["ranking"]
DEPOSITS = TaskRule("d", "binary", "distilled", 1.0, product_group="deposits")
INVESTMENTS = TaskRule("i", "binary", "distilled", 1.0, product_group="investments")
COUNT = TaskRule("n", "regression", "distilled", 1.0, baseline=0.2, scale=0.5)
CLASSES = TaskRule("m", "multiclass", "distilled", 1.0, classes=("none", "deposits"))


def product(name: str, group: str = "deposits", **more: object) -> Product:
    return Product(name, group, {"ko": name, "en": name}, **more)  # type: ignore[arg-type]


def ids(rows: list) -> list[str]:
    return [row.product.id for row in rows]


def test_a_count_is_normalised_before_it_meets_probabilities() -> None:
    def of_group(scale: float | None) -> TaskRule:
        return TaskRule(
            "n", "regression", "distilled", 1.0, product_group="deposits", baseline=0.2, scale=scale
        )

    assert about_group(of_group(0.5), 0.2, "deposits") == pytest.approx(0.5)
    assert about_group(of_group(0.5), 0.7, "deposits") == pytest.approx(0.8413447, abs=1e-6)
    assert about_group(of_group(0.5), 50.0, "deposits") == pytest.approx(1.0)
    assert about_group(of_group(None), 50.0, "deposits") is None


def test_a_task_is_about_its_own_group_only() -> None:
    assert about_group(DEPOSITS, 0.3, "deposits") == 0.3
    assert about_group(DEPOSITS, 0.3, "lending") is None
    assert about_group(CLASSES, (0.9, 0.1), "deposits") == 0.1
    assert about_group(CLASSES, (0.9, 0.1), "lending") is None
    assert about_group(COUNT, 0.2, "deposits") is None


def test_value_is_propensity_times_share_times_common_factor() -> None:
    products = [product("a"), product("b"), product("x", "investments")]
    churn = TaskRule("c", "binary", "distilled", -0.1)
    ranked = rank(
        products,
        rules=[DEPOSITS, INVESTMENTS, CLASSES, COUNT, churn],
        scores={"d": 0.4, "i": 0.1, "m": (0.8, 0.2), "n": 0.7, "c": 0.9},
        shares={"a": 0.3, "b": 0.1, "x": 0.2},
        policy=POLICY | {"within_group_exponent": 1.0},
    )
    common = 1 + (0.8413447 - 0.5) - 0.1 * (0.9 - 0.5)
    found = {row.product.id: row.score for row in ranked}
    assert found["a"] == pytest.approx((0.4 + 0.2) / 2 * 0.75 * common, rel=1e-6)
    assert found["b"] == pytest.approx((0.4 + 0.2) / 2 * 0.25 * common, rel=1e-6)
    assert found["x"] == pytest.approx(0.1 * common, rel=1e-6)
    assert ids(ranked) == ["a", "x", "b"]
    assert [part.task for part in ranked[0].parts] == ["d", "m"]


def test_a_product_no_task_is_about_is_not_ranked_by_the_others() -> None:
    rows = [product("a"), product("z", "lending")]
    ranked = rank(
        rows, rules=[DEPOSITS, COUNT], scores={"d": 0.01, "n": 5.0}, shares={}, policy=POLICY
    )
    assert ids(ranked) == ["a"]


def test_weight_zero_and_unusable_scores_take_no_part() -> None:
    silent = TaskRule("i", "binary", "distilled", 0.0, product_group="deposits")
    ranked = rank(
        [product("a")],
        rules=[DEPOSITS, silent],
        scores={"d": math.nan, "i": 0.9},
        shares={},
        policy=POLICY,
    )
    assert ranked == []


def test_ties_are_broken_by_product() -> None:
    rows = [product("b"), product("a")]
    ranked = rank(rows, rules=[DEPOSITS], scores={"d": 0.5}, shares={}, policy=POLICY)
    assert ids(ranked) == ["a", "b"]


def test_popularity_leaves_out_what_nobody_holds() -> None:
    rows = [product("a"), product("b"), product("c")]
    assert ids(by_popularity(rows, shares={"b": 0.2, "a": 0.1, "c": 0.0})) == ["b", "a"]


def test_diversity_bounds_each_group() -> None:
    rows = [product("a"), product("b"), product("c"), product("x", "investments")]
    ranked = by_popularity(rows, shares={"a": 0.4, "b": 0.3, "c": 0.2, "x": 0.1})
    assert ids(diverse(ranked, top_k=3, per_group=2)) == ["a", "b", "x"]
    assert ids(diverse(ranked, top_k=1, per_group=2)) == ["a"]
    assert ids(diverse([*ranked, *ranked], top_k=9, per_group=9)) == ["a", "b", "c", "x"]


def test_lens_shares_follow_the_parts() -> None:
    parts = (Part("d", 0.4, 1.0), Part("i", 0.1, 2.0), Part("absent", 0.9, 1.0))
    shares = {"d": [0.7, 0.3], "i": [0.2, 0.8]}
    found = lens_shares(parts, shares=shares, lenses=["deepfm", "temporal"])
    assert found["deepfm"] == pytest.approx((0.4 * 0.7 + 0.2 * 0.2) / 0.6)
    assert sum(found.values()) == pytest.approx(1.0)
    assert lens_shares(parts, shares={}, lenses=["deepfm"]) == {}
    assert lens_shares(parts, shares={"d": [1.0]}, lenses=["deepfm", "temporal"]) == {}


PERSON = Person(age=44, segment="mass", income=100.0, risk_grade=3, owned=frozenset({"held"}))


@pytest.mark.parametrize(
    ("name", "more", "person", "expected"),
    [
        ("held", {}, PERSON, "owned"),
        ("new", {}, PERSON, None),
        ("new", {"eligibility": Eligibility(minimum_age=45)}, PERSON, "age"),
        ("new", {"eligibility": Eligibility(minimum_age=44)}, PERSON, None),
        ("new", {"eligibility": Eligibility(maximum_age=43)}, PERSON, "age"),
        ("new", {"eligibility": Eligibility(maximum_age=44)}, PERSON, None),
        ("new", {"eligibility": Eligibility(minimum_age=1)}, Person(), "age"),
        ("new", {"eligibility": Eligibility(maximum_age=99)}, Person(), "age"),
        ("new", {"eligibility": Eligibility(segments=frozenset({"vip"}))}, PERSON, "segment"),
        ("new", {"eligibility": Eligibility(segments=frozenset({"mass"}))}, PERSON, None),
        ("new", {"eligibility": Eligibility(segments=frozenset({"mass"}))}, Person(), "segment"),
        ("new", {"eligibility": Eligibility(minimum_income=101.0)}, PERSON, "income"),
        ("new", {"eligibility": Eligibility(minimum_income=100.0)}, PERSON, None),
        ("new", {"eligibility": Eligibility(minimum_income=0.0)}, Person(), "income"),
        ("new", {"risk_grade": 4}, PERSON, "risk"),
        ("new", {"risk_grade": 3}, PERSON, None),
        ("new", {"risk_grade": 2}, Person(), None),
        ("new", {"risk_grade": 3}, Person(), "risk"),
    ],
)
def test_what_may_not_be_shown(name: str, more: dict, person: Person, expected: str | None) -> None:
    assert refusal(product(name, **more), person, POLICY) == expected


@pytest.mark.parametrize(
    ("today", "expected"),
    [("2025-12-31", 44), ("2026-12-30", 44), ("2026-12-31", 45), ("2025-01-01", 44)],
)
def test_age_grows_since_the_record(today: str, expected: int) -> None:
    assert age_at({"age": 44}, "2025-12-31", date.fromisoformat(today)) == expected
    assert age_at({}, "2025-12-31", date.fromisoformat(today)) is None
