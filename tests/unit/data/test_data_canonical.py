"""Canonical tables: types, units, order, shards, equal bytes, reference tables."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue, CategoryTree, DatasetSettings
from tests.unit.data.tiny import CATEGORIES, Bank, convert_bank, plain_bank, settings
from training_jobs.data.canonical import part_name, read_reference, shard_count
from training_jobs.data.reference import category_table, product_table
from training_jobs.data.schema import SCHEMAS

TYPES = {
    "customers": ["string", "int32", "string", "date32[day]"],
    "customer_months": ["string", "date32[day]", "string", "int64", "string", "string", "bool"],
    "holdings": ["string", "date32[day]", "string"],
    "transactions": ["string", "timestamp[us]", "int64", "string", "string", "string", "string"],
}


def _crowd(customers: int) -> Bank:
    bank = plain_bank()
    for number in range(customers):
        bank.add(
            f"c{number}", held={"card": [f"2024-0{1 + number % 3}-31"] if number % 3 != 1 else []}
        )
    return bank


def _read(preflight: Path, table: str) -> pa.Table:
    parts = sorted((preflight / "tables" / table).iterdir())
    return pa.concat_tables(pq.read_table(part) for part in parts)


def _bytes(preflight: Path) -> dict[str, bytes]:
    return {
        path.relative_to(preflight).as_posix(): path.read_bytes()
        for path in sorted(preflight.rglob("*"))
        if path.is_file()
    }


def test_types_and_column_order_are_the_contract(tmp_path: Path) -> None:
    preflight = convert_bank(plain_bank(), tmp_path)
    for table, types in TYPES.items():
        read = _read(preflight, table)
        assert read.column_names == list(SCHEMAS[table].columns)
        assert [str(field.type) for field in read.schema] == types


def test_money_is_integer_minor_units(tmp_path: Path) -> None:
    bank = plain_bank()
    bank.events = [
        (*event[:2], "0.29", *event[3:]) for event in bank.events
    ]  # 0.29 * 100 = 28.999..
    amounts = _read(convert_bank(bank, tmp_path), "transactions")["amount"].to_pylist()
    assert set(amounts) == {29}


def test_shards_divide_the_customers_and_sort_the_rows(tmp_path: Path) -> None:
    one = convert_bank(_crowd(40), tmp_path / "one", settings(shards=1))
    four = convert_bank(_crowd(40), tmp_path / "four", settings(shards=4))
    assert shard_count(four) == 4
    for table in TYPES:
        parts = sorted((four / "tables" / table).iterdir())
        assert [part.name for part in parts] == [part_name(shard) for shard in range(4)]
        owners = [set(pq.read_table(part)["customer_id"].to_pylist()) for part in parts]
        assert sum(map(len, owners)) == len(set.union(*owners))
        rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
        key = lambda row: tuple((value is None, value) for value in row.values())  # noqa: E731
        assert sorted(rows, key=key) == _read(one, table).to_pylist()
        for part in parts:
            inside = pq.read_table(part).to_pylist()
            assert inside == sorted(inside, key=key)
    # The same customer is in the same shard of every table.
    homes: dict[str, set[int]] = {}
    for table in TYPES:
        for shard in range(4):
            part = four / "tables" / table / part_name(shard)
            for customer in pq.read_table(part)["customer_id"].to_pylist():
                homes.setdefault(customer, set()).add(shard)
    assert all(len(home) == 1 for home in homes.values())
    assert len({next(iter(home)) for home in homes.values()}) == 4


def test_equal_input_gives_equal_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    bank = _crowd(20)
    first = _bytes(convert_bank(bank, tmp_path / "a", settings(shards=2)))
    for rows in (bank.people, bank.months, bank.held, bank.events):
        rows.reverse()
    assert _bytes(convert_bank(bank, tmp_path / "b", settings(shards=2))) == first
    assert len(first) == 4 * 2 + 2 + 2


def test_stamps_with_a_zone_become_local_time(tmp_path: Path) -> None:
    raw = settings().model_dump(mode="json")
    raw["tables"]["transactions"]["sql"] = raw["tables"]["transactions"]["sql"].replace(
        '"at" AS ts', """CAST("at" AT TIME ZONE 'UTC' AS TIMESTAMP) AS ts"""
    )
    bank = plain_bank()
    # 23:30 in London in winter is 08:30 the next day in Seoul: another day, another month.
    bank.events.append(("anna", "2023-12-31 23:30:00", 1, "debit", "food"))
    dataset = DatasetSettings.model_validate(raw | {"time_zone": "Asia/Seoul"})
    stamps = _read(convert_bank(bank, tmp_path, dataset), "transactions")["ts"].to_pylist()
    assert "2024-01-01 08:30:00" in [str(stamp) for stamp in stamps]


def test_profile_counts_what_is_there(tmp_path: Path) -> None:
    import json

    profile = json.loads((convert_bank(plain_bank(), tmp_path) / "profile.json").read_text())
    assert profile["tables"]["customers"] == {
        "rows": 2, "customers": 2, "first": "2020-01-01", "last": "2020-01-01",
    }  # fmt: skip
    assert profile["sources"]["events"] == profile["tables"]["transactions"]["rows"] == 16
    december = next(entry for entry in profile["monthly"] if entry["month"] == "2023-12")
    assert december == {
        "month": "2023-12", "customers": 2, "active": 2, "transactions": 2,
        "debit": 2468, "credit": 0, "holdings": 2,
    }  # fmt: skip
    held = {entry["product"]: entry["held"] for entry in profile["products"]}
    assert held["current"] == held["savings"] == 1
    assert held["loan"] == 0


def test_iso_tree_is_a_tree_down_to_the_codes() -> None:
    tree = load(CategoryTree, CONFIGS / "datasets" / "categories" / "mcc.yaml")
    rows = {row["code"]: row for row in category_table(tree).to_pylist()}
    assert rows["root"]["parent"] is None
    for code, row in rows.items():
        if code != "root":
            assert row["depth"] == rows[row["parent"]]["depth"] + 1
            assert row["name_ko"]
            assert row["name_en"]
    path = ["5411"]
    while rows[path[-1]]["parent"]:
        path.append(rows[path[-1]]["parent"])
    assert path == ["5411", "P541", "R5000", "root"]
    assert rows["5411"]["name_ko"] == "슈퍼마켓"
    assert len(rows) > 1000


def test_own_tree_hangs_below_the_root() -> None:
    rows = category_table(CategoryTree.model_validate(CATEGORIES)).to_pylist()
    assert [row["code"] for row in rows] == ["root", "food", "fuel", "play", "rent", "salary"]
    assert {row["parent"] for row in rows} == {None, "root"}


@pytest.mark.parametrize("name", ["synthetic", "berka"])
def test_shipped_catalogues_keep_their_order_and_names(name: str) -> None:
    catalogue = load(Catalogue, CONFIGS / "products" / f"{name}.yaml")
    rows = product_table(catalogue).to_pylist()
    assert [row["position"] for row in rows] == list(range(len(rows)))
    assert all(row["name_ko"] and row["name_en"] and row["group_name_ko"] for row in rows)
    if name == "synthetic":
        assert len(rows) == 24
        assert len({row["group"] for row in rows}) == 6


def test_absent_tables_are_absent_folders(tmp_path: Path) -> None:
    tables = settings().model_dump(mode="json")["tables"]
    del tables["transactions"]
    dataset = settings(tables=tables, categories=None)
    preflight = convert_bank(plain_bank(), tmp_path, dataset)
    assert not (preflight / "tables" / "transactions").exists()
    assert read_reference(preflight / "tables", "categories") is None
    assert read_reference(preflight / "tables", "products") is not None
