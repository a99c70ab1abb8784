"""The Santander adapter on a file in the exact format: every value of the canonical tables."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.santander import generate
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from tests.fixtures.santander_file import FLAGS, HEADER, MONTHS, NAMELESS, line, stamp, write
from training_jobs.data.canonical import convert
from training_jobs.data.violations import Violation, render

DATASET = load(DatasetSettings, CONFIGS / "datasets" / "santander.yaml")
DEC, FEB, MAY = date(2015, 12, 31), date(2016, 2, 29), date(2016, 5, 31)


def _lines() -> list[str]:
    """Return the lines of five customers, each odd in its own way."""
    lines = [line(month, 1, ind_cco_fin_ult1="1") for month in MONTHS]
    # A birthday in August 2015, a segment that is spelt in three ways, another income later.
    spelt = ["01 - TOP", "01-TOP", "TOP", "01 - top"]
    lines += [
        line(
            month,
            1_000_002,
            sexo="V",
            age=f" {44 + (place >= 7)}",
            antiguedad="-999999",
            nomprov="CORUÑA, A",
            renta="NA" if place < 3 else "         NA" if place < 5 else "  123456.78",
            segmento=spelt[place % 4],
            ind_actividad_cliente=" 0",
            ind_nomina_ult1="" if place < 4 else "1",
            ind_nom_pens_ult1="NA" if place < 4 else "1",
            ind_recibo_ult1="1" if month != FEB else "0",
            ind_tjcr_fin_ult1="1.0" if month == DEC else "0",
        )
        for place, month in enumerate(MONTHS)
    ]
    # Known by number alone at first, then with a name and an age nobody reaches.
    lines += [line(month, 7, **NAMELESS) for month in MONTHS[:2]]
    lines += [line(MONTHS[2], 7, sexo="H", age="164", segmento="02 - PARTICULARES")]
    # Comes in February of the leap year; every flag is set.
    every = {f"ind_{flag}_ult1": "1" for flag in FLAGS}
    lines += [line(FEB, 33, fecha_alta="2016-02-11", segmento="03 - UNIVERSITARIO", **every)]
    return lines


def _converted(folder: Path, lines: list[str]) -> tuple[list[Violation], Path]:
    output = folder / "out"
    output.mkdir()
    raw = write(folder / "raw", lines)
    faults, _ = convert(DATASET, raw=raw, output=output, progress=lambda *_: None)
    return faults, output / "tables"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    faults, tables = _converted(tmp_path_factory.mktemp("santander"), _lines())
    assert not faults, render(faults, show_identifying=True)
    return tables


def _query(tables: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for table in tables.iterdir():
            connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM '{table}/*.parquet'")
        return connection.execute(sql).fetchall()


def test_the_fixture_has_the_columns_of_the_real_file() -> None:
    assert len(HEADER) == 48
    assert len(FLAGS) == len(set(FLAGS)) == 24
    assert set(DATASET.sources["train"].columns) <= set(HEADER)
    assert [stamp(month) for month in MONTHS][1::12] == ["2015-02-28", "2016-02-28"]


def test_customers_hold_what_was_known_first(tables: Path) -> None:
    assert _query(tables, "SELECT * FROM customers ORDER BY length(customer_id), customer_id") == [
        ("1", 1980, "F", date(2012, 8, 10)),
        # An age of 164 is no birth year; the sex is that of the first month that has one.
        ("7", None, "F", date(2012, 8, 10)),
        ("33", 1981, "F", date(2016, 2, 11)),
        ("1000002", 1971, "M", date(2012, 8, 10)),
    ]


def test_every_month_ends_on_its_last_day(tables: Path) -> None:
    found = _query(tables, "SELECT DISTINCT month FROM customer_months ORDER BY month")
    assert [row[0] for row in found] == MONTHS
    assert FEB in MONTHS


def test_monthly_values_one_by_one(tables: Path) -> None:
    found = _query(tables, "SELECT * FROM customer_months WHERE customer_id = '1000002' ORDER BY 2")
    assert found == [
        (
            "1000002",
            month,
            "top",
            None if place < 5 else 12_345_678,
            "KHE",
            "CORUÑA, A",
            False,
        )
        for place, month in enumerate(MONTHS)
    ]
    assert _query(tables, "SELECT * FROM customer_months WHERE customer_id = '7' ORDER BY 2") == [
        ("7", MONTHS[0], None, None, None, None, None),
        ("7", MONTHS[1], None, None, None, None, None),
        ("7", MONTHS[2], "individuals", 8_721_810, "KHE", "MADRID", True),
    ]
    plain = _query(tables, "SELECT DISTINCT * EXCLUDE (month) FROM customer_months WHERE segment "
                           "= 'university'")  # fmt: skip
    assert plain == [("33", "university", 8_721_810, "KHE", "MADRID", True)]


def test_products_are_held_where_the_flag_is_one_and_nowhere_else(tables: Path) -> None:
    expected = {("1", month, "cco") for month in MONTHS}
    expected |= {("33", FEB, flag.removesuffix("_fin")) for flag in FLAGS}
    for place, month in enumerate(MONTHS):
        held = ["nomina", "nom_pens"] if place >= 4 else []
        held += ["recibo"] if month != FEB else []
        held += ["tjcr"] if month == DEC else []
        expected |= {("1000002", month, product) for product in held}
    found = _query(tables, "SELECT customer_id, month, product FROM holdings")
    assert len(found) == len(set(found))
    assert set(found) == expected
    products = {row[0] for row in _query(tables, "SELECT product FROM products")}
    assert products == {flag.removesuffix("_fin") for flag in FLAGS}


def test_later_months_change_nothing_that_stands_for_good(tmp_path: Path) -> None:
    """Who had a birthday, or another date of entry, after `as_of` is no other person before it."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "short").mkdir()
    later = [line(MAY, 1_000_003, age=" 51", fecha_alta="2001-01-01", sexo="V")]
    first = [line(month, 1_000_003, age=" 50", fecha_alta="2002-02-02") for month in MONTHS[:3]]
    _, whole = _converted(tmp_path / "whole", _lines() + later + first)
    _, short = _converted(tmp_path / "short", _lines() + first)
    sql = "SELECT * FROM customers WHERE customer_id = '1000003'"
    assert _query(whole, sql) == _query(short, sql)
    assert _query(whole, sql) == [("1000003", 1965, "F", date(2002, 2, 2))]


def test_the_benchmarks_file_has_the_format_and_always_the_same_bytes(tmp_path: Path) -> None:
    rows = generate(tmp_path / "one", 300)
    assert generate(tmp_path / "two", 300) == rows
    one, two = ((tmp_path / name / "train_ver2.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    header, *lines = one.decode().splitlines()
    assert tuple(header.split(",")) == HEADER
    assert len(lines) == rows
    # 941,000 customers of 14.6 months on average are the 13.7 million rows of the real file's size.
    assert 13.5 < rows / 300 < 15.5
    assert '"CORUÑA, A"' in one.decode()
    faults, _ = convert(
        DATASET, raw=tmp_path / "one", output=tmp_path / "out", progress=lambda *_: None
    )
    assert not faults


def _broken(**given: str) -> Callable[[], list[str]]:
    return lambda: [*_lines(), line(MAY, 44, **given)]


@pytest.mark.parametrize(
    ("lines", "table", "column", "rule", "example"),
    [
        (_broken(segmento="04 - PRIVADA"), "customer_months", "segment", "declared", "04 - PRIV"),
        (_broken(sexo="X"), "customers", "gender", "F or M", "X"),
        (_broken(ind_viv_fin_ult1="2"), "holdings", "product", "orphans", "viv=2.0"),
        (_broken(renta="12,5"), "train", "renta", "not DOUBLE", "12,5"),
        (_broken(age="35.5"), "train", "age", "not BIGINT", "35.5"),
        (_broken(fecha_dato="28/05/2016"), "train", "fecha_dato", "not DATE", "28/05/2016"),
        (_broken(fecha_dato="2016-06-28"), "customer_months", "month", "future", "2016-06-30"),
        (lambda: [*_lines(), line(MAY, 1)], "customer_months", "customer_id, month", "dupl", "1/"),
        (lambda: [*_lines(), line(MAY, 1) + ",0"], "train", "", "not a row", "line 40"),
    ],
)  # fmt: skip
def test_what_the_real_file_does_not_hold_is_refused_by_name(
    tmp_path: Path,
    lines: Callable[[], list[str]],
    table: str,
    column: str,
    rule: str,
    example: str,
) -> None:
    faults, tables = _converted(tmp_path, lines())
    assert not tables.exists()
    hits = [v for v in faults if (v.table, v.column) == (table, column) and rule in v.rule]
    assert len(hits) == 1, [v.headline() for v in faults]
    assert any(example in shown for shown in hits[0].examples), hits[0].examples
