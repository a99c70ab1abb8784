"""Group 11 sees communities, not lines of business, and customers nobody has seen before."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.features import features_bank as bank
from tests.unit.features.hierarchy_bank import auc, columns_of, rows_of


def communities(seed: int) -> tuple[bank.Rows, NDArray[np.bool_]]:
    """Return 20 communities of 8 with 5 shops in common; in every fifth all but a few took up."""
    draw = np.random.default_rng(seed)
    bought = {}
    wave = np.repeat(np.arange(20) % 5 == 0, 8)
    for number in range(160):
        # Shops belong to several communities; only their combination tells the community.
        local = np.random.default_rng(number // 8).choice(40, 5, replace=False)
        shops = [*draw.choice(local, 16), *draw.choice(40, 6)]
        bought[f"C{number:03d}"] = [(bank.CATEGORIES[shop % 4], f"M{shop}") for shop in shops]
    rows = rows_of(bought)
    months = bank.month_range(bank.FIRST, bank.CUTOFF)
    for number, customer in enumerate(bought):
        rows.customer_months += [
            {"customer_id": customer, "month": month, "active": True} for month in months
        ]
        took = draw.random() < (0.7 if wave[number] else 0.1)
        rows.holdings += [
            {"customer_id": customer, "month": month, "product": code}
            for month in months
            for code in (["cco", "fond"] if took and month == bank.CUTOFF else ["cco"])
        ]
    return rows, wave


def test_those_who_share_shops_with_takers_stand_out_and_shuffled_shops_lose_it(
    tmp_path: Path,
) -> None:
    rows, wave = communities(4)
    circle = bank.group("graph_collaborative").parameters.circles
    parameters = bank.group("graph_collaborative").parameters.model_copy(
        update={"circles": circle.model_copy(update={"bits": 20})}
    )
    seen, _ = columns_of("graph_collaborative", tmp_path / "true", rows, alter=lambda _: parameters)
    shops = [row["merchant"] for row in rows.transactions]
    order = np.random.default_rng(1).permutation(len(shops))
    for row, place in zip(rows.transactions, order, strict=True):
        row["merchant"] = shops[place]
    mixed, _ = columns_of(
        "graph_collaborative", tmp_path / "mixed", rows, alter=lambda _: parameters
    )
    for name, bound in (
        ("circle_take_group_investments", 0.95),
        ("circle_take_any", 0.95),
        ("neighbours_take_fond", 0.75),
    ):
        assert auc(seen[name], wave) > bound, name
        assert auc(mixed[name], wave) < 0.65, name


def test_shops_do_not_merely_tell_their_line_of_business(tmp_path: Path) -> None:
    """Customers of one category hold more, at any of its shops alike: no news of neighbours."""
    draw = np.random.default_rng(6)
    lover = np.arange(120) % 2 == 0
    bought = {
        f"C{number:03d}": [
            (bank.CATEGORIES[number % 2], f"M{number % 2}-{shop}") for shop in draw.choice(8, 10)
        ]
        for number in range(120)
    }
    rows = rows_of(bought)
    rows.holdings += [
        {"customer_id": customer, "month": bank.CUTOFF, "product": "fond"}
        for number, customer in enumerate(bought)
        if draw.random() < (0.8 if lover[number] else 0.1)
    ]
    seen, _ = columns_of("graph_collaborative", tmp_path, rows)
    assert 0.3 < auc(seen["neighbours_hold_fond"], lover) < 0.7
    assert np.std(seen["neighbours_hold_fond"]) > 0


def test_a_new_customer_needs_no_new_fit(tmp_path: Path) -> None:
    rows, _ = communities(4)
    known = [row["customer_id"] for row in rows.customers][1:]
    parameters = bank.group("graph_collaborative").parameters.model_copy(
        update={"min_customers": 1}
    )

    def columns(folder: str, given: bank.Rows, **other: Any) -> Any:
        return columns_of(
            "graph_collaborative", tmp_path / folder, given, alter=lambda _: parameters, **other
        )

    whole, _ = columns("whole", rows)
    fresh, fitted = columns("part", rows, fit_on=known)
    assert all(np.isfinite(column[0]) for column in fresh.values())
    for name in ("neighbours_take_fond", "neighbours_hold_fond", "graph_density"):
        assert fresh[name][0] == whole[name][0], "state is counted over everyone, fitted or not"
    without = bank.Rows(
        customers=rows.customers[1:],
        customer_months=[r for r in rows.customer_months if r["customer_id"] != "C000"],
        holdings=[r for r in rows.holdings if r["customer_id"] != "C000"],
        transactions=[r for r in rows.transactions if r["customer_id"] != "C000"],
    )
    _, never_seen = columns("without", without)
    for name, array in fitted.arrays.items():
        assert array.tobytes() == never_seen.arrays[name].tobytes()
