"""The topological columns beside the same by hand: plain Python and gudhi's explicit complex."""

import datetime as dt
import math
from pathlib import Path

import gudhi
import numpy as np
import pytest

from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from tests.unit.features import topology_bank as small
from tests.unit.features.topology_reference import eight, line_intervals


def text(value: str | None) -> tuple[bool, str]:
    """Return a key that sorts as DuckDB does: what is not there comes last."""
    return value is None, value or ""


def purchases_of(customer: str, as_of: dt.date, months: int) -> list[bank.Row]:
    """Return the debits at a merchant inside the window, oldest first."""
    found = [
        row
        for row in bank.standard().transactions
        if row["customer_id"] == customer
        and shift(as_of, -months) < row["ts"].date() <= as_of
        and row["direction"] == "debit"
        and row["merchant"] is not None
    ]
    keys = ("category", "channel", "merchant")
    return sorted(found, key=lambda r: (r["ts"], r["amount"], *(text(r[k]) for k in keys)))


def micro_log(amount: int) -> int:
    """Return the log in millionths."""
    return round(math.log(amount) * 1e6)


def usual_levels(least: int) -> tuple[int, dict[str, int]]:
    """Return the mean log amount over all customers up to the fit cut-off, and by category."""
    logs: dict[str, list[int]] = {}
    for customer in bank.standard().customers:
        for row in purchases_of(customer["customer_id"], bank.CUTOFF, 12):
            logs.setdefault(row["category"], []).append(micro_log(row["amount"]))
    everything = [one for found in logs.values() for one in found]
    own = {code: round(sum(one) / len(one)) for code, one in logs.items() if len(one) >= least}
    return round(sum(everything) / len(everything)), own


def swings_by_hand(customer: str, as_of: dt.date, months: int) -> list[float]:
    """Return the statistics of the swings."""
    days = (as_of - shift(as_of, -months)).days
    daily = [0] * days
    for row in bank.standard().transactions:
        place = days - 1 - (as_of - row["ts"].date()).days
        if row["customer_id"] == customer and row["direction"] == "debit" and 0 <= place < days:
            daily[place] += row["amount"]
    spent = [amount for amount in daily if amount]
    logs = [math.log1p(amount / (sum(spent) / len(spent))) for amount in daily]
    mean = math.fsum(logs) / days
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in logs) / days)
    pairs = line_intervals([(one - mean) / deviation for one in logs])
    # Beside one huge amount some swings are as small as rounding.
    return eight([pair for pair in pairs if pair[1] - pair[0] > 1e-5])


def loops_by_hand(rows: list[bank.Row], levels: tuple[int, dict[str, int]]) -> list[float]:
    """Return the statistics of the loops."""
    excess = [micro_log(row["amount"]) - levels[1].get(row["category"], levels[0]) for row in rows]
    n = len(excess)
    scale = math.sqrt((n * n - 1) / 12)
    ranks = [
        (sum(other < one for other in excess) + (excess.count(one) - 1) / 2 - (n - 1) / 2) / scale
        for one in excess
    ]
    every = [ranks[place : place + 3] for place in range(n - 2)]
    keep = min(len(every), 60)
    points = [every[place * (len(every) - 1) // (keep - 1)] for place in range(keep)]
    tree = gudhi.RipsComplex(points=points).create_simplex_tree(max_dimension=2)
    tree.compute_persistence()
    return eight([tuple(pair) for pair in tree.persistence_intervals_in_dimension(1).tolist()])


@pytest.mark.parametrize(("months", "least"), [(12, 20), (3, 10)])
def test_columns_are_those_of_plain_python(tables: Path, months: int, least: int) -> None:
    """A leap day is `as_of`; the levels are those of the fit cut-off, a month before."""
    names = [row["customer_id"] for row in bank.standard().customers]
    generator = small.tda(months, least_events=least, category_events=40)
    with bank.view_of(tables, bank.CUTOFF) as view:
        fitted = generator.fit(view)
    with bank.view_of(tables, small.AS_OF) as view:
        found = generator.transform(view, fitted)
    levels = usual_levels(40)
    assert 0 < len(levels[1]) < len(bank.CATEGORIES)
    compared = 0
    for name, row in zip(names, found.astype(float), strict=True):
        bought = purchases_of(name, small.AS_OF, months)
        if len(bought) < least:
            assert np.isnan(row).all(), name
            continue
        compared += 1
        if compared <= 15:
            swings = swings_by_hand(name, small.AS_OF, months)
            assert row[:8] == pytest.approx(swings, rel=1e-4, abs=1e-5, nan_ok=True), name
            loops = loops_by_hand(bought, levels)
            assert row[8:] == pytest.approx(loops, rel=1e-4, abs=1e-5, nan_ok=True), name
    assert 15 <= compared < len(names)
