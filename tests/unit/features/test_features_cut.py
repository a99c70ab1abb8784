"""A view holds the look-back up to the end of `as_of`, and cannot reach anything else."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from configs.settings.months import shift
from tests.unit.features import features_bank as bank


@pytest.mark.parametrize("as_of", [bank.CUTOFF, dt.date(2024, 2, 29), dt.date(2024, 4, 30)])
def test_every_dated_row_lies_inside_the_look_back(tables: Path, as_of: dt.date) -> None:
    after = shift(as_of, -12)
    rows = bank.standard()
    with bank.view_of(tables, as_of) as view:
        for table, time in (("customer_months", "month"), ("holdings", "month")):
            found = view.query(
                f"SELECT count(*) AS n, min({time}) AS lo, max({time}) AS hi FROM {table}"
            )
            inside = [row for row in rows.of(table) if after < row[time] <= as_of]
            assert found["n"][0] == len(inside)
        events = view.query(
            "SELECT count(*) AS n, min(back) AS lo, max(back) AS hi FROM transactions"
        )
        inside = [row for row in rows.transactions if after < row["ts"].date() <= as_of]
        assert events["n"][0] == len(inside)
        assert events["lo"][0] >= 0
        assert events["hi"][0] <= view.days - 1
        assert view.days == (as_of - after).days


def test_the_last_instant_of_as_of_is_inside_and_the_next_is_not(tables: Path) -> None:
    with bank.view_of(tables, bank.CUTOFF) as view:
        amounts = set(view.query("SELECT amount FROM transactions")["amount"].tolist())
    assert 10_001 in amounts
    assert 99_999 not in amounts


def test_the_look_back_is_exactly_twelve_months(tables: Path) -> None:
    with bank.view_of(tables, bank.CUTOFF) as view:
        amounts = set(view.query("SELECT amount FROM transactions")["amount"].tolist())
        months = view.query("SELECT DISTINCT back FROM customer_months")["back"].tolist()
    assert 55_555 in amounts, "the first second of the look-back"
    assert 77_777 not in amounts, "the last second before it"
    assert sorted(months) == list(range(12))


def test_back_counts_from_as_of(tables: Path) -> None:
    with bank.view_of(tables, dt.date(2024, 2, 29)) as view:
        found = view.query(
            "SELECT CAST(month AS VARCHAR) AS month, back FROM customer_months WHERE row = 1"
        )
        pairs = dict(zip(found["month"].tolist(), found["back"].tolist(), strict=True))
        days = view.query("SELECT back FROM transactions WHERE amount = 9000000000000")
    assert pairs["2024-02-29"] == 0
    assert pairs["2023-03-31"] == 11
    assert days["back"].tolist() == [0], "the leap day is the day of as_of"


def test_a_generator_cannot_read_files_nor_unlock_the_view(tables: Path) -> None:
    path = next((tables / "transactions").glob("*.parquet"))
    with bank.view_of(tables, bank.CUTOFF) as view:
        with pytest.raises(duckdb.Error):
            view.query(f"SELECT * FROM read_parquet('{path}')")
        with pytest.raises(duckdb.Error):
            view.query("SET enable_external_access=true")


def test_only_the_population_is_inside_in_its_order(tables: Path) -> None:
    chosen = ["C030", "C002", "C011"]
    with bank.view_of(tables, bank.CUTOFF, chosen) as view:
        rows = set(view.query("SELECT row FROM transactions")["row"].tolist())
        born = view.query("SELECT row, birth_year FROM customers ORDER BY row")
    assert rows <= {0, 1, 2}
    assert born["birth_year"].tolist() == [1970, 1942, 1951]


def test_a_table_the_bank_does_not_have_is_empty(tmp_path: Path) -> None:
    folder = bank.write_tables(tmp_path / "t", bank.standard(), shards=1, tables=("customers",))
    with bank.view_of(folder, bank.CUTOFF, shards=1) as view:
        assert view.query("SELECT * FROM transactions")["row"].tolist() == []
        assert view.query("SELECT * FROM holdings WHERE back = 0")["product"].tolist() == []


def test_missing_numbers_are_nan_and_missing_texts_none(tables: Path) -> None:
    with bank.view_of(tables, bank.CUTOFF) as view:
        found = view.query(
            "SELECT birth_year, gender FROM customers WHERE row IN (2, 7) ORDER BY row"
        )
    assert found["birth_year"][0] == 1942
    assert found["birth_year"][1] != found["birth_year"][1]
    assert found["gender"].tolist() == [None, "M"]
