"""What packaging reads from the canonical tables: exactly the serving month, nothing later."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.settings.package import Popularity
from training_jobs.packaging.bank import EVERYBODY, Bank

NOW, BEFORE, LATER = date(2025, 6, 30), date(2025, 5, 31), date(2025, 7, 31)
FIRST = date(2024, 1, 31)
PLAIN = Popularity(months=12, prior_customers=0.0)


def write(folder: Path, table: str, rows: list[dict[str, object]]) -> None:
    (folder / table).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / table / "part-00000.parquet")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    products = [
        {
            "product": name,
            "group": "deposits",
            "position": position,
            "group_name_ko": "예금",
            "group_name_en": "Deposits",
            "name_ko": f"{name} 예금",
            "name_en": f"{name} deposit",
            "risk_grade": None,
            "min_age": 19 if name == "b" else None,
            "max_age": None,
            "min_income": None,
            "segments": None,
            "fees_ko": None,
            "fees_en": None,
            "benefits_ko": None,
            "benefits_en": None,
        }
        for position, name in enumerate("bac")
    ]
    write(tmp_path, "products", products)
    customers = [
        {"customer_id": name, "birth_year": 1980, "joined_on": date(2020, 1, 1)} for name in "xyz"
    ]
    write(tmp_path, "customers", customers)
    months = [
        {
            "customer_id": name,
            "month": month,
            "segment": "later" if month == LATER else ("small" if name == "z" else "large"),
            "income": 1 if month == LATER else 500,
            "channel": "app",
            "region": None,
        }
        for name in "xyz"
        for month in (NOW, LATER)
    ]
    write(tmp_path, "customer_months", months)
    held = [
        ("x", "a", FIRST),
        ("x", "a", NOW),
        ("x", "b", NOW),
        ("y", "b", BEFORE),
        ("y", "b", NOW),
        ("z", "c", LATER),
    ]
    write(
        tmp_path,
        "holdings",
        [{"customer_id": c, "product": p, "month": m} for c, p, m in held],
    )
    return tmp_path


def test_catalogue_keeps_the_declared_order_and_only_stated_conditions(tables: Path) -> None:
    products = Bank(tables, NOW).catalogue()
    assert [row["product"] for row in products] == ["b", "a", "c"]
    assert [row["eligibility"] for row in products] == [{"min_age": 19}, {}, {}]


def test_owned_is_what_is_held_at_the_serving_date(tables: Path) -> None:
    assert Bank(tables, NOW).owned() == {"x": ["a", "b"], "y": ["b"]}


def test_attributes_are_of_the_month_and_absent_values_are_left_out(tables: Path) -> None:
    found = Bank(tables, NOW).attributes()["x"]
    assert found == {
        "age": 45,
        "joined_on": "2020-01-01",
        "segment": "large",
        "income": 500,
        "channel": "app",
    }


def test_popularity_counts_uptake_not_holding_and_nothing_later(tables: Path) -> None:
    """x held `a` since the first month: held, but nobody saw it taken up. z's comes later."""
    shares = Bank(tables, NOW).popularity(PLAIN, ["a", "b", "c"])
    assert shares[EVERYBODY] == {"a": 0.0, "b": pytest.approx(2 / 3), "c": 0.0}
    assert shares["large"]["b"] == 1.0
    assert shares["small"]["b"] == 0.0


def test_a_segment_is_drawn_towards_the_bank(tables: Path) -> None:
    shares = Bank(tables, NOW).popularity(Popularity(months=12, prior_customers=3.0), ["b"])
    assert shares["small"]["b"] == pytest.approx((0 + 3 * 2 / 3) / (1 + 3))


def test_uptake_before_the_window_does_not_count(tables: Path) -> None:
    shares = Bank(tables, NOW).popularity(Popularity(months=1, prior_customers=0.0), ["b"])
    assert shares[EVERYBODY] == {"b": pytest.approx(1 / 3)}


def test_a_bank_without_holdings_knows_no_difference(tables: Path) -> None:
    for part in (tables / "holdings").iterdir():
        part.unlink()
    bank = Bank(tables, NOW)
    assert bank.owned() == {}
    assert bank.popularity(PLAIN, ["a", "b"]) == {EVERYBODY: {"a": 0.5, "b": 0.5}}


def test_a_bank_without_monthly_rows_has_one_segment(tables: Path) -> None:
    for part in (tables / "customer_months").iterdir():
        part.unlink()
    bank = Bank(tables, NOW)
    assert bank.attributes()["x"] == {"age": 45, "joined_on": "2020-01-01"}
    shares = bank.popularity(PLAIN, ["b"])
    assert set(shares) == {EVERYBODY}
    assert shares[EVERYBODY]["b"] == pytest.approx(2 / 3)
