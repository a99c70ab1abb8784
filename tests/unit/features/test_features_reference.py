"""Every column against a naive reading of the raw rows in plain Python, customer by customer."""

import datetime as dt
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from tests.unit.features import naive
from training_jobs.features.registry import GENERATORS, TENSORS

AS_OF = bank.CUTOFF
LATER = dt.date(2024, 2, 29)


def produced(tables: Path, name: str, as_of: dt.date) -> tuple[list[str], np.ndarray]:
    """Fit at the cut-off and transform everyone at `as_of`."""
    settings = bank.group(name)
    generator = GENERATORS.build(settings.generator, settings.parameters, bank.bank_facts())
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = generator.fit(view)
    with bank.view_of(tables, as_of) as view:
        values = generator.transform(view, fitted)
    return [column.name for column in generator.columns(fitted)], values


def history(customer: str, as_of: dt.date) -> list[bank.Row]:
    """Return the customer's transactions inside the look-back, by the definition."""
    return [
        row
        for row in bank.standard().transactions
        if row["customer_id"] == customer and shift(as_of, -12) < row["ts"].date() <= as_of
    ]


def months_of(table: str, customer: str, as_of: dt.date) -> list[bank.Row]:
    """Return the customer's monthly rows inside the look-back."""
    return [
        row
        for row in bank.standard().of(table)
        if row["customer_id"] == customer and shift(as_of, -12) < row["month"] <= as_of
    ]


def everyone() -> list[bank.Row]:
    """Return all customers."""
    return bank.standard().customers


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_rolling_statistics(tables: Path, as_of: dt.date) -> None:
    names, values = produced(tables, "txn_rolling_stats", as_of)
    expected = [naive.rolling(history(row["customer_id"], as_of), as_of) for row in everyone()]
    naive.same(names, values, expected)


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_behaviour(tables: Path, as_of: dt.date) -> None:
    names, values = produced(tables, "txn_behavior", as_of)
    expected = [
        naive.behaviour(row, history(row["customer_id"], as_of), as_of) for row in everyone()
    ]
    naive.same(names, values, expected)


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_holdings_acquisitions_and_what_is_derived(tables: Path, as_of: dt.date) -> None:
    holds, acquires, derives = [], [], []
    for customer in everyone():
        name = customer["customer_id"]
        months = {row["month"] for row in months_of("customer_months", name, as_of)}
        held = {
            month: {
                row["product"]
                for row in months_of("holdings", name, as_of)
                if row["month"] == month
            }
            for month in months
        }
        gained: list[str] = []
        lost: list[str] = []
        for month in months:
            before = shift(month, -1)
            if before in months:
                gained += held[month] - held[before]
                lost += held[before] - held[month]
        groups = Counter(dict(bank.PRODUCTS)[p] for products in held.values() for p in products)
        total = groups.total()
        holds.append({f"hold_{p}": float(p in held[as_of]) for p, _ in bank.PRODUCTS})
        acquires.append({f"acquired_{p}": float(p in gained) for p, _ in bank.PRODUCTS})
        derives.append(
            {
                "acquisitions": len(gained),
                "closures": len(lost),
                "months_observed": len(months),
                "holding_diversity": -sum(n / total * math.log(n / total) for n in groups.values())
                if total
                else None,
            }
        )
    naive.same(*produced(tables, "product_holdings", as_of), holds)
    naive.same(*produced(tables, "acquisition_history_multihot", as_of), acquires)
    naive.same(*produced(tables, "derived_temporal", as_of), derives)


def test_the_multihot_holds_the_sets_of_categories_used(tables: Path) -> None:
    used = {
        customer["customer_id"]: {
            event["category"]
            for event in history(customer["customer_id"], AS_OF)
            if event["direction"] == "debit"
        }
        for customer in everyone()
    }
    counts = Counter(category for categories in used.values() for category in categories)
    top = sorted(counts, key=lambda category: (-counts[category], category))[:30]
    names, values = produced(tables, "mcc_top30_multihot", AS_OF)
    assert names == [*(f"mcc_{category}" for category in top), "other_mcc"]
    assert len(counts) > 30, "the bank must have a category outside the top"
    expected = [
        {f"mcc_{category}": float(category in categories) for category in top}
        | {"other_mcc": float(bool(categories - set(top)))}
        for categories in used.values()
    ]
    naive.same(names, values, expected)


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_demographic_numbers_are_those_at_the_reference_date(tables: Path, as_of: dt.date) -> None:
    names, values = produced(tables, "demographics", as_of)
    expected = []
    for customer in everyone():
        rows = sorted(
            months_of("customer_months", customer["customer_id"], as_of),
            key=lambda row: row["month"],
        )
        incomes = [row["income"] for row in rows if row["income"] is not None]
        same_segment = 0
        for row in reversed(rows):
            if row["segment"] != rows[-1]["segment"]:
                break
            same_segment += 1
        joined = customer["joined_on"]
        expected.append(
            {
                "age": as_of.year - customer["birth_year"] if customer["birth_year"] else None,
                "tenure_months": (as_of.year - joined.year) * 12 + as_of.month - joined.month
                if joined
                else None,
                "income": rows[-1]["income"],
                "income_change": incomes[-1] / incomes[0] - 1 if len(incomes) > 1 else None,
                "segment_months": same_segment,
            }
        )
    naive.same(names[:5], values[:, :5], expected)


def test_codes_are_by_frequency_with_missing_first_and_other_last(tables: Path) -> None:
    names, values = produced(tables, "demographics", AS_OF)
    gender = values[:, names.index("gender")]
    raw = [row["gender"] for row in everyone()]
    assert all((code == 0) == (value is None) for code, value in zip(gender, raw, strict=True))
    # 20 of each: the tie is broken by the text, F before M.
    assert [int(gender[row]) for row in (0, 1)] == [1, 2]
    income, band = values[:, names.index("income")], values[:, names.index("income_band")]
    assert set(band[np.isnan(income)]) == {0.0}
    known = ~np.isnan(income)
    order = np.argsort(income[known], kind="stable")
    assert (np.diff(band[known][order]) >= 0).all(), "a higher income never has a lower band"
    assert band[known].min() == 1
    assert len(set(band[known])) >= 4


def test_a_value_never_fitted_gets_the_code_other(tables: Path, tmp_path: Path) -> None:
    rows = bank.make_bank()
    for row in rows.customer_months:
        if row["customer_id"] == "C005" and row["month"] == LATER:
            row["region"] = "new"
    changed = bank.write_tables(tmp_path / "tables", rows, shards=2)
    names, values = produced(changed, "demographics", LATER)
    settings = bank.group("demographics")
    generator = GENERATORS.build("demographics", settings.parameters, bank.bank_facts())
    with bank.view_of(changed, bank.CUTOFF) as view:
        fitted = generator.fit(view)
    column = generator.columns(fitted)[names.index("region")]
    assert column.cardinality is not None
    assert values[5, names.index("region")] == column.cardinality - 1


def lists(tables: Path, name: str, as_of: dt.date) -> tuple[Any, list[list[list[Any]]]]:
    """Fit a side tensor at the cut-off; return it fitted, and the lists of everyone at `as_of`."""
    settings = bank.group(name)
    tensor = TENSORS.build(settings.generator, settings.parameters, bank.bank_facts())
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = tensor.fit(view)
    with bank.view_of(tables, as_of) as view:
        return tensor.vocabularies(fitted), [a.to_pylist() for a in tensor.transform(view, fitted)]


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_events_are_newest_first_with_the_gap_to_the_next_newer(
    tables: Path, as_of: dt.date
) -> None:
    vocabularies, (amounts, categories, gaps, hours) = lists(tables, "events", as_of)
    code = {category: 1 + place for place, category in enumerate(vocabularies["categories"])}
    end = dt.datetime.combine(as_of, dt.time()) + dt.timedelta(days=1)
    for place, customer in enumerate(everyone()):
        events = history(customer["customer_id"], as_of)
        # Ties in time: larger amount, then credit before debit.
        events.sort(key=lambda e: (e["ts"], e["amount"], e["direction"] == "credit"))
        events.sort(key=lambda e: (-e["ts"].timestamp(), -e["amount"], e["direction"]))
        newer = [end, *(event["ts"] for event in events)]
        assert hours[place] == [event["ts"].hour for event in events]
        assert categories[place] == [code.get(event["category"], 0) for event in events]
        wanted = [
            (1 if event["direction"] == "credit" else -1) * math.log1p(event["amount"])
            for event in events
        ]
        assert amounts[place] == pytest.approx(wanted, rel=1e-6)
        between = [
            (after - event["ts"]).total_seconds() / 86_400
            for after, event in zip(newer, events, strict=False)
        ]
        assert gaps[place] == pytest.approx(between, rel=1e-6, abs=1e-9)
        assert all(gap >= 0 for gap in gaps[place])


def test_only_the_last_events_are_kept(tables: Path) -> None:
    settings = bank.group("events")
    short = settings.parameters.model_copy(update={"length": 3})
    full = TENSORS.build("event_tensor", settings.parameters, bank.bank_facts())
    cut = TENSORS.build("event_tensor", short, bank.bank_facts())
    with bank.view_of(tables, AS_OF) as view:
        fitted = full.fit(view)
        long, brief = full.transform(view, fitted), cut.transform(view, fitted)
    for all_of_them, last in zip(long, brief, strict=True):
        assert [values[:3] for values in all_of_them.to_pylist()] == last.to_pylist()


@pytest.mark.parametrize("as_of", [AS_OF, LATER])
def test_incidence_is_products_held_and_merchants_visited(tables: Path, as_of: dt.date) -> None:
    vocabularies, (items, weights) = lists(tables, "incidence", as_of)
    known = vocabularies["items"]
    assert known[: len(bank.PRODUCTS)] == [f"product:{code}" for code, _ in bank.PRODUCTS]
    assert any(item.startswith("merchant:") for item in known)
    for place, customer in enumerate(everyone()):
        name = customer["customer_id"]
        visits = Counter(
            f"merchant:{event['merchant']}"
            for event in history(name, as_of)
            if event["merchant"] is not None
        )
        expected = {item: math.log1p(count) for item, count in visits.items() if item in known}
        expected |= {
            f"product:{row['product']}": 1.0
            for row in months_of("holdings", name, as_of)
            if row["month"] == as_of
        }
        assert items[place] == sorted(items[place])
        found = {known[item]: weight for item, weight in zip(items[place], weights[place])}
        assert found == pytest.approx(expected, rel=1e-6)
