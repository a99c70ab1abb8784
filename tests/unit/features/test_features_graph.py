"""Group 11: neighbours through merchants, counted over everyone, the customer itself left out."""

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.features import features_bank as bank
from tests.unit.features.hierarchy_bank import columns_of, rows_of
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Fitted
from training_jobs.features.registry import GENERATORS

CODES = [code for code, _ in bank.PRODUCTS]
GROUPS = sorted({group for _, group in bank.PRODUCTS})


def made(**changes: Any) -> Any:
    """Return the generator of the product, its parameters changed."""
    parameters = bank.group("graph_collaborative").parameters.model_copy(update=changes)
    return GENERATORS.build("graph_collaborative", parameters, bank.bank_facts())


def many_circles() -> Any:
    """Return circle parameters under which no two pairs of the small bank fall together."""
    circle = bank.group("graph_collaborative").parameters.circles
    return circle.model_copy(update={"bits": 20})


def history(customer: str) -> tuple[set[str], set[str], set[str]]:
    """Return products held at the cut-off, taken up in the last 3, in the last 6 months."""
    months = bank.month_range(bank.FIRST, bank.CUTOFF)[-12:]
    held = {
        month: {
            row["product"]
            for row in bank.standard().holdings
            if row["customer_id"] == customer and row["month"] == month
        }
        for month in months
    }
    observed = {
        row["month"] for row in bank.standard().customer_months if row["customer_id"] == customer
    }
    taken = [
        held[month] - held[before] if {month, before} <= observed else set()
        for before, month in itertools.pairwise(months)
    ]
    return held[months[-1]], set().union(*taken[-3:]), set().union(*taken[-6:])


def visits(customer: str) -> Counter[str]:
    """Return debits of the look-back by merchant."""
    return Counter(
        row["merchant"]
        for row in bank.standard().transactions
        if row["customer_id"] == customer
        and row["direction"] == "debit"
        and row["merchant"]
        and "2023-02-01" <= row["ts"].isoformat() < "2024-02-01"
    )


def main_category(shop: str) -> str:
    """Return the category of most events at a shop, the first code of equals."""
    events = Counter(
        row["category"]
        for row in bank.standard().transactions
        if row["merchant"] == shop and "2023-02-01" <= row["ts"].isoformat() < "2024-02-01"
    )
    return min(events, key=lambda code: (-events[code], code))


def test_messages_are_those_of_a_naive_walk_over_the_graph(tables: Path) -> None:
    generator = made(circles=many_circles())
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = generator.fit(view)
        values = generator.transform(view, fitted.at(generator.tally(view, fitted)))
    names = [column.name for column in generator.columns(fitted)]
    assert values.shape[1] == len(names) == 2 * len(CODES) + len(GROUPS) + 12
    everyone = [row["customer_id"] for row in bank.standard().customers]
    items = fitted.values["items"]
    family = {shop: main_category(shop) for shop in items}
    numbers = dict(zip(items, fitted.arrays["families"].tolist(), strict=True))
    assert len(set(numbers.items())) == len(items)
    for one, other in itertools.combinations(items, 2):
        assert (family[one] == family[other]) == (numbers[one] == numbers[other])
    assert 1 < len(set(family.values())) < len(items)
    shops = {one: Counter({k: n for k, n in visits(one).items() if k in items}) for one in everyone}
    past = {one: history(one) for one in everyone}
    group_of = dict(bank.PRODUCTS)
    pairs = {}
    for one in everyone:
        best = sorted(shops[one], key=lambda shop: (-shops[one][shop], -items.index(shop)))[:8]
        pairs[one] = {frozenset(pair) for pair in itertools.combinations(best, 2)}
    checked = 0
    for one, row in zip(everyone, values, strict=True):
        got = dict(zip(names, row, strict=True))
        others = [other for other in everyone if other != one]
        heard = {shop: [other for other in others if shop in shops[other]] for shop in shops[one]}
        weight = sum(shops[one][shop] for shop in heard if heard[shop])
        # All others at any shop of the family, as often as they are at one of them.
        kin = {
            shop: [
                other
                for other in others
                for another in shops[other]
                if family[another] == family[shop]
            ]
            for shop in heard
        }
        for code in CODES:
            for kind, name in ((0, "hold"), (1, "take")):
                told = sum(
                    shops[one][shop]
                    * (
                        sum(code in past[v][kind] for v in among) / len(among)
                        - sum(code in past[v][kind] for v in kin[shop]) / len(kin[shop])
                    )
                    for shop, among in heard.items()
                    if among
                )
                wanted = told / weight if weight else math.nan
                found = got[f"neighbours_{name}_{code}"]
                assert found == pytest.approx(wanted, rel=1e-5, abs=1e-9, nan_ok=True)
        met = [other for other in others for _ in pairs[one] & pairs[other]]
        usual = [bool(past[other][1]) for other in others]
        wanted = (sum(bool(past[v][1]) for v in met) + 5 * np.mean(usual)) / (len(met) + 5)
        found = got["circle_take_any"]
        assert found == pytest.approx(wanted if met else math.nan, rel=1e-5, nan_ok=True)
        for group in GROUPS:
            took = {v: any(group_of[code] == group for code in past[v][2]) for v in others}
            wanted = (sum(took[v] for v in met) + 5 * np.mean(list(took.values()))) / (len(met) + 5)
            found = got[f"circle_take_group_{group}"]
            assert found == pytest.approx(wanted if met else math.nan, rel=1e-5, nan_ok=True)
        size = len(met) / (len(pairs[one]) * len(others)) if pairs[one] else math.nan
        assert got["circle_size"] == pytest.approx(size, rel=1e-5, nan_ok=True)
        assert got["graph_degree"] == len(shops[one]) + len(past[one][0])
        possible = len(shops[one]) * len(others)
        dense = sum(map(len, heard.values())) / possible if possible else math.nan
        assert got["graph_density"] == pytest.approx(dense, rel=1e-5, nan_ok=True)
        checked += bool(met)
    assert checked > 30


def everything_of(tables: Path) -> dict[str, NDArray[np.float32]]:
    """Return the columns of group 11 by name."""
    generator = made()
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = generator.fit(view)
        values = generator.transform(view, fitted.at(generator.tally(view, fitted)))
    return dict(zip([c.name for c in generator.columns(fitted)], values.T, strict=True))


def test_own_holdings_never_reach_the_own_messages_and_always_those_of_others(
    tables: Path, tmp_path: Path
) -> None:
    """Bit for bit: a share that leaks the customer's own state would tell the label."""
    rows = bank.make_bank()
    turned = {"C001", "C004", "C010"}
    for customer in sorted(turned):
        held = [row for row in rows.holdings if row["customer_id"] == customer]
        rows.holdings[:] = [row for row in rows.holdings if row["customer_id"] != customer]
        for month in bank.month_range(bank.FIRST, bank.LAST):
            now = {row["product"] for row in held if row["month"] == month}
            late = month >= bank.CUTOFF
            rows.holdings += [
                {"customer_id": customer, "month": month, "product": code}
                for code in CODES
                if (code not in now) == late
            ]
    before = everything_of(tables)
    for customer in sorted(turned):
        one = bank.make_bank()
        mine = [row for row in rows.holdings if row["customer_id"] == customer]
        one.holdings[:] = [r for r in one.holdings if r["customer_id"] != customer] + mine
        after = everything_of(bank.write_tables(tmp_path / customer, one, shards=2))
        own = [row["customer_id"] for row in one.customers].index(customer)
        reached = 0
        for name, column in after.items():
            if name == "graph_degree":
                continue  # it counts the products held
            assert column[own].tobytes() == before[name][own].tobytes(), name
            rest = np.arange(len(column)) != own
            reached += not np.array_equal(column[rest], before[name][rest], equal_nan=True)
        assert reached >= len(CODES)


def test_counts_add_over_shards_and_without_them_nothing_is_made_up(tables: Path) -> None:
    generator = made()
    everyone = [row["customer_id"] for row in bank.standard().customers]
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = generator.fit(view)
        whole = generator.tally(view, fitted)
        with pytest.raises(FeatureError, match="no counts of the neighbours at 2024-01-31"):
            generator.transform(view, fitted)
    parts = []
    for customers in (everyone[:13], everyone[13:14], everyone[14:]):
        with bank.view_of(tables, bank.CUTOFF, customers) as view:
            parts.append(generator.tally(view, fitted))
    assert whole.dtype == np.int64
    assert whole.tobytes() == sum(parts).tobytes()
    circle = generator.parameters.circles
    bound = (2 + len(GROUPS)) * (1 + 2**circle.bits) + len(fitted.values["items"]) * (
        1 + 2 * len(CODES)
    )
    assert len(whole) == bound


def test_the_order_of_customers_changes_no_fitted_byte(tables: Path) -> None:
    generator = made()
    everyone = [row["customer_id"] for row in bank.standard().customers]
    fits = []
    for customers in (everyone, everyone[::-1], everyone[7:] + everyone[:7]):
        with bank.view_of(tables, bank.CUTOFF, customers) as view:
            fits.append(generator.fit(view))
    for other in fits[1:]:
        assert other.values == fits[0].values
        for name, array in fits[0].arrays.items():
            assert other.arrays[name].tobytes() == array.tobytes(), name


def test_a_bank_without_merchants_shares_categories(tmp_path: Path) -> None:
    rows = bank.make_bank()
    for row in rows.transactions:
        row["merchant"] = None
    seen, fitted = columns_of("graph_collaborative", tmp_path, rows)
    assert fitted.values["kind"] == "category"
    assert set(fitted.values["items"]) <= set(bank.CATEGORIES)
    assert np.nanstd(seen["neighbours_hold_fond"]) > 0


def test_a_bank_without_a_single_shared_item_is_all_missing(tmp_path: Path) -> None:
    bought = {"C000": [("5100", "M1")], "C001": [("5101", "M2")]}
    seen, fitted = columns_of("graph_collaborative", tmp_path, rows_of(bought))
    assert fitted.values["items"] == []
    for name, column in seen.items():
        assert np.isnan(column).all() != (name == "graph_degree"), name
    assert isinstance(fitted, Fitted)
