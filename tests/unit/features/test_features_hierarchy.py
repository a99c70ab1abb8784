"""Groups 9 and 10: the place among products and in the category tree."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.features import features_bank as bank
from tests.unit.features.hierarchy_bank import auc, columns_of, rows_of, shuffled_tree
from training_jobs.features import hyperbolic
from training_jobs.features.registry import GENERATORS
from training_jobs.features.requirements import unmet


def midpoint(places: list[np.ndarray], weights: list[int]) -> np.ndarray:
    """Return Einstein's midpoint by Klein coordinates, one point after the other."""
    above, below = np.zeros(len(places[0])), 0.0
    for point, weight in zip(places, weights, strict=True):
        squared = float(point @ point)
        gamma = weight * (1 + squared) / (1 - squared)
        above, below = above + gamma * 2 * point / (1 + squared), below + gamma
    klein = above / below
    return klein / (1 + math.sqrt(1 - float(klein @ klein)))


def test_products_are_placed_by_their_midpoint_and_shared_branches(tables: Path) -> None:
    settings = bank.group("product_hierarchy")
    made = GENERATORS.build("product_hierarchy", settings.parameters, bank.bank_facts())
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = made.fit(view)
        names = [column.name for column in made.columns(fitted)]
        values = made.transform(view, fitted)
    assert len(names) == settings.columns == 34
    assert fitted.values["mean_precision"] == 1.0
    assert fitted.values["distortion"] < 0.03
    counted: Counter[int] = Counter()
    for row, customer in zip(values, bank.standard().customers, strict=True):
        held = sorted(
            [code for code, _ in bank.PRODUCTS].index(one["product"])
            for one in bank.standard().holdings
            if one["customer_id"] == customer["customer_id"] and one["month"] == bank.CUTOFF
        )
        counted[len(held)] += 1
        if not held:
            assert np.isnan(row).all()
            continue
        middle = midpoint([fitted.arrays["points"][place] for place in held], [1] * len(held))
        np.testing.assert_allclose(row[:32], middle, rtol=1e-5, atol=1e-6)
        assert row[32] == pytest.approx(math.sqrt(middle @ middle), rel=1e-5)
        shared = [
            2 * (one == other) + (one != other) * (bank.PRODUCTS[one][1] == bank.PRODUCTS[other][1])
            for one, other in itertools.product(held, held)
        ]
        assert row[33] == pytest.approx(sum(shared) / len(shared))
    assert min(counted[size] for size in (0, 1, 2, 3)) > 0


def test_products_of_one_group_lie_deeper_and_nearer_than_those_of_three(tables: Path) -> None:
    settings = bank.group("product_hierarchy")
    catalogue = [(f"p{place}", f"g{place // 3}") for place in range(9)]
    made = GENERATORS.build("product_hierarchy", settings.parameters, bank.bank_facts(catalogue))
    with bank.view_of(tables, bank.CUTOFF) as view:
        points = made.fit(view).arrays["points"]
    apart = hyperbolic.distance(points[:, None], points[None])
    group = np.arange(9) // 3
    same = (group[:, None] == group[None]) & ~np.eye(9, dtype=bool)
    assert apart[same].max() < apart[group[:, None] != group[None]].min()
    one = np.linalg.norm(midpoint(list(points[:3]), [1] * 3))
    assert one > np.linalg.norm(midpoint(list(points[::3]), [1] * 3)) + 0.1


def naive_taste(bought: list[tuple[str, str | None]]) -> list[float]:
    """Return entropies, top shares and common depth, pair by pair."""
    levels = [
        ["R5" for _ in bought],
        [code[:3] for code, _ in bought],
        [code for code, _ in bought],
        [(code, shop) for code, shop in bought],
    ]
    entropy, top, shared = [], [], 0.0
    for labels in levels:
        shares = [count / len(labels) for count in Counter(labels).values()]
        entropy.append(-sum(share * math.log(share) for share in shares))
        top.append(max(shares))
        shared += sum(one == other for one, other in itertools.product(labels, labels))
    return [*entropy, *top, shared / len(bought) ** 2]


def test_taste_is_that_of_a_naive_count(tables: Path) -> None:
    settings = bank.group("merchant_hierarchy")
    made = GENERATORS.build("merchant_hierarchy", settings.parameters, bank.bank_facts())
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = made.fit(view)
        names = [column.name for column in made.columns(fitted)]
        values = made.transform(view, fitted)
    assert len(names) == settings.columns == 27
    assert fitted.values["mean_precision"] == 1.0
    place = {node: number for number, node in enumerate(fitted.values["nodes"])}
    missing = 0
    for row, customer in zip(values, bank.standard().customers, strict=True):
        bought = [
            (one["category"], one["merchant"])
            for one in bank.standard().transactions
            if one["customer_id"] == customer["customer_id"]
            and one["direction"] == "debit"
            and "2023-10-01" <= one["ts"].isoformat() < "2024-02-01"
        ]
        if not bought:
            missing += 1
            assert np.isnan(row).all()
            continue
        got = dict(zip(names, row, strict=True))
        wanted = naive_taste(bought)
        found = [*row[:8], got["taste_depth"]]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        codes = Counter(code for code, _ in bought)
        at = [fitted.arrays["points"][place[code]] for code in codes]
        middle = midpoint(at, list(codes.values()))
        np.testing.assert_allclose(row[8:24], middle, rtol=1e-4, atol=1e-6)
        assert got["taste_norm"] == pytest.approx(math.sqrt(middle @ middle), rel=1e-4)
        cosh = sum(
            weight * math.cosh(float(hyperbolic.distance(point, middle)))
            for point, weight in zip(at, codes.values(), strict=True)
        ) / len(bought)
        assert got["taste_spread"] == pytest.approx(math.acosh(max(cosh, 1)), rel=1e-4, abs=1e-6)
    assert missing > 3


def tasters(seed: int, customers: int = 60) -> tuple[dict[str, list[tuple[str, str]]], np.ndarray]:
    """Return purchases of 6 codes twice each: every second customer keeps to one prefix."""
    draw = np.random.default_rng(seed)
    bought: dict[str, list[tuple[str, str]]] = {}
    loyal = np.arange(customers) % 2 == 0
    prefixes = sorted({code[:3] for code in bank.CATEGORIES})
    for number in range(customers):
        prefix = prefixes[number % 3]
        choice = [code for code in bank.CATEGORIES if code[:3] == prefix]
        if not loyal[number]:
            choice = bank.CATEGORIES
        codes = draw.choice(choice, 6, replace=False)
        bought[f"C{number:03d}"] = [
            (str(code), f"M{number}-{place}-{visit}")
            for place, code in enumerate(codes)
            for visit in (0, 1)
        ]
    return bought, loyal


def test_a_taste_for_one_prefix_shows_where_codes_and_merchants_are_as_many(tmp_path: Path) -> None:
    bought, loyal = tasters(5)
    seen, _ = columns_of("merchant_hierarchy", tmp_path / "true", rows_of(bought))
    for level in ("code", "merchant"):
        for what in ("entropy", "top_share"):
            assert np.ptp(seen[f"taste_{what}_{level}"]) < 1e-6, "codes and merchants tell nothing"
    mixed, _ = columns_of(
        "merchant_hierarchy", tmp_path / "mixed", rows_of(bought), facts=shuffled_tree(2)
    )
    for name in ("taste_top_share_prefix", "taste_depth", "taste_norm"):
        assert auc(seen[name], loyal) > 0.99, name
        assert auc(mixed[name], loyal) < 0.75, name
    for name in ("taste_entropy_prefix", "taste_spread"):
        assert auc(-seen[name], loyal) > 0.99, name
        assert auc(-mixed[name], loyal) < 0.75, name


def nearest_of_same_prefix(columns: dict[str, np.ndarray], bought: dict[str, list]) -> float:
    """Return how often the nearest customer in the ball keeps to the same prefix; 1/3 is chance."""
    place = np.column_stack([columns[f"taste_position_{number}"] for number in range(1, 17)])
    prefix = np.array(
        [Counter(code[:3] for code, _ in one).most_common(1)[0][0] for one in bought.values()]
    )
    apart = hyperbolic.distance(place.astype(np.float64)[:, None], place.astype(np.float64)[None])
    np.fill_diagonal(apart, np.inf)
    return float((prefix[apart.argmin(axis=1)] == prefix).mean())


def test_customers_of_one_prefix_lie_together_whatever_their_codes(tmp_path: Path) -> None:
    """No two customers share a code: only the tree can bring them together."""
    bought = {
        f"C{place:03d}": [(code, f"M{place}")] * 3
        for place, code in enumerate(bank.CATEGORIES[:30])
    }
    seen, _ = columns_of("merchant_hierarchy", tmp_path / "true", rows_of(bought))
    mixed, _ = columns_of(
        "merchant_hierarchy", tmp_path / "mixed", rows_of(bought), facts=shuffled_tree(2)
    )
    assert nearest_of_same_prefix(seen, bought) == 1.0
    assert nearest_of_same_prefix(mixed, bought) < 0.6


def test_a_code_unseen_at_the_fit_is_placed_at_its_nearest_known_ancestor(tmp_path: Path) -> None:
    bought = {
        "C000": [("5100", "M1"), ("5110", "M2")],
        "C001": [("5105", "M3")],
        "C002": [("5135", "M4")],
        "C003": [],
    }
    seen, fitted = columns_of(
        "merchant_hierarchy", tmp_path, rows_of(bought), fit_on=["C000", "C003"]
    )
    nodes = list(fitted.values["nodes"])
    assert nodes == ["ROOT", "R5", "P510", "P511", "5100", "5110"]
    place = np.column_stack([seen[f"taste_position_{number}"] for number in range(1, 17)])
    for row, node in ((1, "P510"), (2, "R5")):
        expected = fitted.arrays["points"][nodes.index(node)]
        np.testing.assert_allclose(place[row], expected, rtol=1e-5, atol=1e-7)
    # The levels are those of the whole tree, which is known without any fit.
    for name, value in (("taste_entropy_code", 0), ("taste_top_share_merchant", 1)):
        assert seen[name][1] == seen[name][2] == value
    assert seen["taste_depth"][1] == 4
    # Of one place only rounding is left, and processors round differently.
    assert seen["taste_spread"][1] == pytest.approx(0, abs=1e-6)
    assert all(np.isnan(column[3]) for column in seen.values())


def test_shops_without_a_name_are_leaves_of_their_codes(tmp_path: Path) -> None:
    bought = {
        "C000": [("5100", None), ("5100", None), ("5101", None), ("5101", "M1")],
        "C001": [("5100", "M1"), ("5101", "M1"), ("5102", "M1"), ("5103", "M1")],
    }
    seen, _ = columns_of("merchant_hierarchy", tmp_path, rows_of(bought))
    assert seen["taste_top_share_merchant"][0] == 0.5
    assert seen["taste_entropy_merchant"][0] == pytest.approx(1.5 * math.log(2))
    # One chain under four codes is four leaves: the tree has no leaf with two parents.
    assert seen["taste_entropy_merchant"][1] == pytest.approx(math.log(4))


def test_a_bank_without_a_tree_has_no_taste(tmp_path: Path) -> None:
    where = bank.write_tables(tmp_path, bank.standard(), shards=2)
    treeless = replace(bank.bank_facts(), parents={})
    with bank.view_of(where, bank.CUTOFF) as view:
        for name in ("merchant_hierarchy", "tree_points"):
            item = bank.group(name)
            assert unmet(item, view, bank.bank_facts()) is None
            off = unmet(item, view, treeless)
            assert off is not None
            assert "no category tree" in off.reason
