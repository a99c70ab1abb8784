"""The TabFormer adapter on files in the exact format: every value of the canonical tables."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from tests.fixtures.tabformer_file import card, payment, write
from training_jobs.data.canonical import convert
from training_jobs.data.violations import render

DATASET = load(DatasetSettings, CONFIGS / "datasets" / "tabformer.yaml")
FILLER = [payment(9, datetime(month.year, month.month, 3, 12), "$1.00") for month in DATASET.months]
PAYMENTS = [
    # Before and after the months of the data set: a customer all the same.
    payment(0, datetime(2017, 12, 31, 23, 59), "$5.00"),
    payment(0, datetime(2018, 1, 1, 0, 0), "$134.09", mcc=5300),
    payment(0, datetime(2019, 12, 31, 23, 59), "$0.29", mcc=780, way="Chip Transaction"),
    payment(0, datetime(2020, 1, 1, 0, 0), "$5.00"),
    payment(0, datetime(2018, 3, 4, 6, 7), "$-99.00", way="Online Transaction", merchant=-7276),
    # Declined payments move nothing, nor do those of nothing.
    payment(0, datetime(2018, 5, 1, 1, 1), "$50.00", errors="Insufficient Balance"),
    payment(0, datetime(2018, 5, 1, 1, 2), "$50.00", errors="Bad PIN,Insufficient Balance"),
    payment(0, datetime(2018, 5, 1, 1, 3), "$0.00"),
    # No float rounds this to the cent below.
    payment(7, datetime(2018, 6, 1, 12, 30), "$1029.15"),
    *FILLER,
]
CARDS = [card(0, 0, "09/2002"), card(0, 1, "04/2001"), card(9, 0, "12/2015"), card(3, 0, "01/2019")]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tabformer")
    raw = write(folder / "raw", PAYMENTS, CARDS)
    faults, _ = convert(DATASET, raw=raw, output=folder / "out", progress=lambda *_: None)
    assert not faults, render(faults, show_identifying=True)
    return folder / "out" / "tables"


def _query(tables: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for table in tables.iterdir():
            connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM '{table}/*.parquet'")
        return connection.execute(sql).fetchall()


def test_customers_are_those_who_pay_since_their_first_account(tables: Path) -> None:
    assert _query(tables, "SELECT * FROM customers ORDER BY customer_id") == [
        ("0", None, None, date(2001, 4, 1)),
        ("7", None, None, None),
        ("9", None, None, date(2015, 12, 1)),
    ]


def test_payments_one_by_one(tables: Path) -> None:
    merchant = "3527213246127876953"
    found = _query(tables, "SELECT * FROM transactions WHERE customer_id <> '9' ORDER BY ts")
    assert found == [
        ("0", datetime(2018, 1, 1, 0, 0), 13_409, "debit", "5300", "swipe", merchant),
        ("0", datetime(2018, 3, 4, 6, 7), 9_900, "credit", "5411", "online", "-7276"),
        ("7", datetime(2018, 6, 1, 12, 30), 102_915, "debit", "5411", "swipe", merchant),
        # A code of three digits has its zero back.
        ("0", datetime(2019, 12, 31, 23, 59), 29, "debit", "0780", "chip", merchant),
    ]
    assert _query(tables, "SELECT count(*) FROM transactions WHERE customer_id = '9'") == [(24,)]


def test_tables_it_does_not_have_are_absent(tables: Path) -> None:
    assert {path.name for path in tables.iterdir()} == {"customers", "transactions", "categories"}


def test_a_category_outside_the_tree_is_refused(tmp_path: Path) -> None:
    raw = write(
        tmp_path / "raw", [*PAYMENTS, payment(9, datetime(2018, 1, 9), "$3.00", mcc=1)], CARDS
    )
    faults, _ = convert(DATASET, raw=raw, output=tmp_path / "out", progress=lambda *_: None)
    assert [(fault.column, fault.examples) for fault in faults] == [("category", ("0001",))]
