"""Spending histograms and tree points: weighted points of a customer, and what they stand on."""

import datetime as dt
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from tests.unit.features.hierarchy_bank import rows_of
from tests.unit.features.test_features_schema import read
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS

LEVELS = 5


def made(name: str, **changes: Any) -> SideTensor[Any]:
    """Return a side tensor of the product, its parameters changed."""
    settings = bank.group(name)
    parameters = settings.parameters.model_copy(update=changes)
    return TENSORS.build(settings.generator, parameters, bank.bank_facts())


def lists(
    tensor: SideTensor[Any], where: Path, *, shards: int = 2, fit_on: list[str] | None = None
) -> tuple[Fitted, list[list[Any]]]:
    """Return the fitted parameters and the lists of all customers at the cut-off."""
    with bank.view_of(where, bank.CUTOFF, fit_on, shards=shards) as view:
        fitted = tensor.fit(view)
    with bank.view_of(where, bank.CUTOFF, shards=shards) as view:
        arrays = tensor.transform(view, fitted)
    assert [array.type for array in arrays] == [field.type for field in tensor.fields(fitted)]
    return fitted, [array.to_pylist() for array in arrays]


def debits(customer: str, since: str = "2023-02-01") -> list[bank.Row]:
    """Return the customer's debits from a day up to the cut-off."""
    return [
        row
        for row in bank.standard().transactions
        if row["customer_id"] == customer
        and row["direction"] == "debit"
        and since <= row["ts"].isoformat() < "2024-02-01"
    ]


def test_histograms_are_shares_by_category_and_level_of_amount(tables: Path) -> None:
    tensor = made("spending_histograms", categories=6)
    fitted, columns = lists(tensor, tables)
    cells = tensor.vocabularies(fitted)["spending_cells"]
    categories = fitted.values["categories"]
    assert len(categories) == 6
    assert len(cells) == 7 * LEVELS
    everyone = [row["customer_id"] for row in bank.standard().customers]
    amounts: dict[str, list[int]] = {}
    for row in itertools.chain.from_iterable(map(debits, everyone)):
        code = row["category"] if row["category"] in categories else "other"
        amounts.setdefault(code, []).append(row["amount"])
    edges = {
        code: [sorted(given)[len(given) * level // LEVELS] for level in range(1, LEVELS)]
        for code, given in amounts.items()
    }

    def cell(row: bank.Row) -> str:
        code = row["category"] if row["category"] in categories else "other"
        return f"{code}:{1 + sum(row['amount'] >= edge for edge in edges[code])}"

    both = 0
    for place, customer in enumerate(everyone):
        recent = debits(customer, "2023-11-01")
        earlier = [row for row in debits(customer) if row not in recent]
        for rows, at, weights in (
            (recent, columns[0][place], columns[1][place]),
            (earlier, columns[2][place], columns[3][place]),
        ):
            counts = Counter(map(cell, rows))
            wanted = {name: count / len(rows) for name, count in counts.items()}
            assert at == sorted(at)
            found = {cells[one]: weight for one, weight in zip(at, weights, strict=True)}
            assert found == pytest.approx(wanted, rel=1e-6)
        both += bool(recent and earlier)
    assert both > 20
    for code, given in amounts.items():
        where = (*categories, "other").index(code)
        assert fitted.arrays["edges"][where].tolist() == edges[code]
        assert sum(value >= edges[code][0] for value in given) > len(given) / 2


def test_references_are_the_histograms_of_everyone_and_of_each_segment(tables: Path) -> None:
    tensor = made("spending_histograms", categories=6)
    fitted, columns = lists(tensor, tables)
    names = tensor.vocabularies(fitted)["spending_references"]
    assert names == ["everyone", "segment:basic", "segment:premium"]
    references = fitted.arrays["references"]
    assert references.shape == (3, 7 * LEVELS)
    np.testing.assert_allclose(references.sum(axis=1), 1)
    segment = {
        row["customer_id"]: row["segment"]
        for row in bank.standard().customer_months
        if row["month"] == bank.CUTOFF
    }
    everyone = [row["customer_id"] for row in bank.standard().customers]
    sums = dict.fromkeys(names, np.zeros(7 * LEVELS))
    for place, customer in enumerate(everyone):
        recent = len(debits(customer, "2023-11-01"))
        for at, events in ((0, recent), (2, len(debits(customer)) - recent)):
            dense = np.zeros(7 * LEVELS)
            dense[columns[at][place]] = np.array(columns[at + 1][place]) * events
            for name in ("everyone", f"segment:{segment[customer]}"):
                sums[name] = sums[name] + dense
    for name, reference in zip(names, references, strict=True):
        np.testing.assert_allclose(reference, sums[name] / sums[name].sum(), atol=1e-6)


def test_a_move_of_amounts_between_categories_shows_where_all_sums_stay(tmp_path: Path) -> None:
    """The larger amounts go to other categories: same amounts, same categories, another joint."""
    rows = rows_of({f"C{number:03d}": [] for number in range(60)})
    for number in range(60):
        for day in range(80):
            recent = day < 40
            code, dear = bank.CATEGORIES[day % 2], (day // 2) % 2
            # Half of the movers go one way and half the other: the usual amounts stay.
            to = bank.CATEGORIES[number % 2]
            moved = number < 30 and recent
            amount = 1000 + 100 * ((code == to) if moved else dear)
            stamp = dt.datetime(2024, 1, 30, 12) - dt.timedelta(days=day * 3)
            rows.transactions.append(
                bank.transaction(f"C{number:03d}", stamp, amount, category=code)
            )
    where = bank.write_tables(tmp_path, rows, shards=2)
    tensor = made("spending_histograms", amount_levels=2, recent_months=4)
    fitted, columns = lists(tensor, where)
    width = len(tensor.vocabularies(fitted)["spending_cells"])

    def dense(place: int, at: int) -> np.ndarray[Any, Any]:
        values = np.zeros(width)
        values[columns[at][place]] = columns[at + 1][place]
        return values

    moves = np.array([np.abs(dense(place, 0) - dense(place, 2)).sum() for place in range(60)])
    assert moves[:30].min() > 0.8 > 0.2 > moves[30:].max()
    categories = [
        np.abs((dense(0, 0) - dense(0, 2)).reshape(-1, 2).sum(axis=axis)).sum() for axis in (0, 1)
    ]
    assert max(categories) < 0.1, "neither amounts nor categories alone tell"


def test_tree_points_are_shares_of_events_at_nodes(tables: Path) -> None:
    tensor = made("tree_points")
    fitted, (nodes, weights) = lists(tensor, tables)
    names = tensor.vocabularies(fitted)["tree_nodes"]
    for place, customer in enumerate(row["customer_id"] for row in bank.standard().customers):
        counts = Counter(row["category"] for row in debits(customer, "2023-10-01"))
        assert nodes[place] == sorted(nodes[place])
        found = {names[node]: weight for node, weight in zip(nodes[place], weights[place])}
        wanted = {code: count / counts.total() for code, count in counts.items()}
        assert found == pytest.approx(wanted, rel=1e-6)


def test_an_unseen_code_counts_for_its_ancestor_in_the_points(tmp_path: Path) -> None:
    bought: dict[str, list[tuple[str, str | None]]] = {
        row["customer_id"]: [] for row in bank.standard().customers
    }
    bought["C000"] = [("5100", "M1"), ("5110", "M1")]
    bought["C001"] = [("5101", "M1"), ("5102", "M1"), ("5100", "M1"), ("5130", "M1")]
    where = bank.write_tables(tmp_path, rows_of(bought), shards=2)
    tensor = made("tree_points")
    fitted, (nodes, weights) = lists(tensor, where, fit_on=["C000", "C003"])
    names = tensor.vocabularies(fitted)["tree_nodes"]
    assert [names[node] for node in nodes[1]] == ["R5", "P510", "5100"]
    assert weights[1] == [0.25, 0.5, 0.25]
    assert nodes[3] == weights[3] == []


def test_the_schema_carries_the_tree_and_the_cells(clean: Clean) -> None:
    schema = read(clean.output)
    nodes = schema["vocabularies"]["tree_nodes"]
    assert set(schema["edges"]) == {"tree_nodes"}
    parents = {nodes[child]: nodes[parent] for child, parent in schema["edges"]["tree_nodes"]}
    assert nodes[0] == "ROOT"
    assert parents == {node: bank.PARENTS[node] for node in nodes[1:]}
    assert {code[:1] for code in nodes} == {"R", "P", "5"}
    assert len(schema["vocabularies"]["spending_cells"]) % LEVELS == 0
    references = np.load(clean.output / "fitted" / "spending_histograms.references.npy")
    assert len(references) == len(schema["vocabularies"]["spending_references"])
    for name, expert in (("tree_points", "hgcn"), ("spending_histograms", "optimal_transport")):
        assert schema["tensors"][name]["experts"] == [expert]
        assert name in schema["experts"][expert]["inputs"]
    table = pq.read_table(clean.output / "tree_points" / "part-00000.parquet")
    assert max(max(one, default=0) for one in table["nodes"].to_pylist()) < len(nodes)
