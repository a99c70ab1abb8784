"""Each planted fault is reported with file, table, column and count, and nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from configs.errors import DataContractError
from tests.unit.data.tiny import MONTHS, Bank, plain_bank, settings
from training_jobs.data.canonical import convert
from training_jobs.data.violations import SUMMARY_LIMIT, Violation, refuse, render


@dataclass(frozen=True)
class Fault:
    """A change of the files and what must be reported."""

    name: str
    change: Callable[[Path], None]
    file: str
    table: str
    column: str
    rule: str
    count: int
    example: str | None = None


def _replace(file: str, old: str, new: str, count: int = -1) -> Callable[[Path], None]:
    def change(raw: Path) -> None:
        text = (raw / file).read_text()
        assert old in text
        (raw / file).write_text(text.replace(old, new, count))

    return change


def _append(file: str, *lines: str) -> Callable[[Path], None]:
    def change(raw: Path) -> None:
        with (raw / file).open("a") as stream:
            stream.writelines(line + "\n" for line in lines)

    return change


def _bytes(file: str, content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def change(raw: Path) -> None:
        (raw / file).write_bytes(content((raw / file).read_bytes()))

    return change


def _remove(file: str) -> Callable[[Path], None]:
    return lambda raw: (raw / file).unlink()


def _drop_month(raw: Path) -> None:
    lines = (raw / "held.csv").read_text().splitlines()
    kept = [line for line in lines if MONTHS[4] not in line and MONTHS[5] not in line]
    (raw / "held.csv").write_text("\n".join(kept) + "\n")


FAULTS = (
    Fault("missing file", _remove("held.csv"), "held.csv", "held", "", "no such file", 1),
    Fault(
        "empty file", _bytes("held.csv", lambda _: b""), "held.csv", "held", "", "empty file", 1
    ),
    Fault(
        "header only",
        _bytes("held.csv", lambda text: text.split(b"\n")[0] + b"\n"),
        "held.csv", "held", "", "no rows below the header", 1,
    ),
    Fault(
        "missing column",
        _replace("months.csv", "income", "revenue", 1),
        "months.csv", "months", "income", "missing column", 1, "revenue",
    ),
    Fault(
        "wrong delimiter",
        _bytes("events.csv", lambda text: text.replace(b",", b";")),
        "events.csv", "events", "id, at, amount, way, kind", "wrong delimiter", 1,
    ),
    Fault(
        "bad number",
        _append("months.csv", f"anna,{MONTHS[0]},low,12x", f"filler,{MONTHS[0]},low,1.5"),
        "months.csv", "months", "income", "values that are not BIGINT", 2, "12x",
    ),
    Fault(
        "bad date",
        _append("held.csv", "anna,2024-02-30,card", "anna,2024-02-30,loan", "anna,soon,card"),
        "held.csv", "held", "month", "values that are not DATE", 3, "2024-02-30",
    ),
    Fault(
        "infinite amount",
        _append("events.csv", "anna,2024-01-01 00:00:00,inf,debit,food"),
        "events.csv", "events", "amount", "values that are not DOUBLE", 1, "inf",
    ),
    Fault(
        "missing value",
        _append("held.csv", "anna,,card"),
        "held.csv", "held", "month", "missing values in a required column", 1,
    ),
    Fault(
        "duplicate key of a source",
        _append("people.csv", "anna,1981,F,2020-01-01", "anna,1982,F,2020-01-01"),
        "people.csv", "people", "id", "duplicate keys", 2, "anna",
    ),
    Fault(
        "orphan of a source",
        _append("months.csv", f"ghost,{MONTHS[0]},low,1"),
        "months.csv", "months", "id", "orphans: not in people.id", 1, "ghost",
    ),
    Fault(
        "ragged line",
        _append("held.csv", f"anna,{MONTHS[0]}", f"anna,{MONTHS[0]},card,more"),
        "held.csv", "held", "", "lines that are not a row", 2,
    ),
    Fault(
        "NUL bytes",
        _bytes("events.csv", lambda text: text + b"\0\0\0\n"),
        "events.csv", "events", "", "NUL bytes", 3,
    ),
    Fault(
        "10 MB line",
        _bytes("events.csv", lambda text: text + b"x" * 10_000_000 + b"\n"),
        "events.csv", "events", "", "lines over 1000000 bytes", 1, "10000000",
    ),
    Fault(
        "bad encoding",
        _bytes("people.csv", lambda text: text + b"J\xf6rg,1980,M,2020-01-01\n"),
        "people.csv", "people", "", "lines that are not utf-8", 1,
    ),
    Fault(
        "duplicate key of a table",
        _append("held.csv", f"anna,{MONTHS[4]},savings"),
        "held.csv", "holdings", "customer_id, month, product", "duplicate keys", 1,
        f"anna/{MONTHS[4]}/savings",
    ),
    Fault(
        "unknown customer",
        _append("held.csv", f"ghost,{MONTHS[0]},card"),
        "held.csv", "holdings", "customer_id", "orphans: not in customers.customer_id", 1, "ghost",
    ),
    Fault(
        "unknown product",
        _append("held.csv", f"anna,{MONTHS[0]},yacht", f"anna,{MONTHS[1]},yacht"),
        "held.csv", "holdings", "product", "orphans: not in products.product", 2, "yacht",
    ),
    Fault(
        "unknown category",
        _append("events.csv", "anna,2024-01-01 00:00:00,1,debit,magic"),
        "events.csv", "transactions", "category", "orphans: not in categories.code", 1, "magic",
    ),
    Fault(
        "amount of nothing",
        _append("events.csv", "anna,2024-01-01 00:00:00,0,debit,food"),
        "events.csv", "transactions", "amount", "must be above 0", 1, "0",
    ),
    Fault(
        "unknown direction",
        _append("events.csv", "anna,2024-01-01 00:00:00,1,sideways,food"),
        "events.csv", "transactions", "direction", "debit or credit", 1, "sideways",
    ),
    Fault(
        "not a month end",
        _append("held.csv", "anna,2024-01-28,card"),
        "held.csv", "holdings", "month", "must be a month end", 1, "2024-01-28",
    ),
    Fault(
        "future event",
        _append("events.csv", "anna,2024-09-01 00:00:00,1,debit,food"),
        "events.csv", "transactions", "ts", "future dates (after 2024-08)", 1, "2024-09-01",
    ),
    Fault(
        "too early event",
        _append("events.csv", "anna,2023-05-31 23:59:59,1,debit,food"),
        "events.csv", "transactions", "ts", "dates before 2023-06", 1, "2023-05-31",
    ),
    Fault(
        "joined in the future",
        _append("people.csv", "zoe,1980,F,2024-09-15"),
        "people.csv", "customers", "joined_on", "future dates", 1, "2024-09-15",
    ),
    Fault(
        "months left out", _drop_month, "held.csv", "holdings", "month", "months without a row", 2,
        MONTHS[4][:7],
    ),
    Fault(
        "undeclared segment",
        _replace("months.csv", f"anna,{MONTHS[0]},low", f"anna,{MONTHS[0]},royal"),
        "months.csv", "customer_months", "segment", "not declared under segments", 1, "royal",
    ),
)  # fmt: skip


def _check(raw: Path, output: Path) -> list[Violation]:
    output.mkdir()
    faults, facts = convert(settings(), raw=raw, output=output, progress=lambda *_: None)
    assert (facts is None) == bool(faults)
    return faults


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_is_named_and_nothing_is_written(tmp_path: Path, fault: Fault) -> None:
    raw = plain_bank().write(tmp_path / "raw")
    fault.change(raw)
    found = _check(raw, tmp_path / "out")
    hits = [
        v
        for v in found
        if (v.file, v.table, v.column, v.count)
        == (fault.file, fault.table, fault.column, fault.count)
        and fault.rule in v.rule
    ]
    assert len(hits) == 1, [v.headline() for v in found]
    assert hits[0].remedy
    if fault.example is not None:
        assert any(fault.example in example for example in hits[0].examples)
        assert len(hits[0].examples) <= 3
    message = str(refuse(found))
    for part in (fault.file, fault.table, str(fault.count)):
        assert part in message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bank_without_fault_has_no_violation(tmp_path: Path) -> None:
    assert _check(plain_bank().write(tmp_path / "raw"), tmp_path / "out") == []
    assert (tmp_path / "out" / "shards.json").is_file()


def test_every_fault_is_collected_not_the_first(tmp_path: Path) -> None:
    raw = plain_bank().write(tmp_path / "raw")
    for fault in FAULTS:
        if fault.name in ("bad number", "bad date", "orphan of a source", "infinite amount"):
            fault.change(raw)
    found = {(v.table, v.column) for v in _check(raw, tmp_path / "out")}
    assert found == {
        ("months", "income"),
        ("held", "month"),
        ("months", "id"),
        ("events", "amount"),
    }


def test_error_for_the_operator_is_short_and_says_how_many_it_leaves_out() -> None:
    many = [
        Violation(f"file{number}.csv", "t", "column", "rule " + "x" * 60, number, ("secret",), "do")
        for number in range(60)
    ]
    message = str(refuse(many))
    assert len(message) < SUMMARY_LIMIT + 200
    assert message.startswith("60 violations")
    assert "file0.csv (table t) column column" in message
    assert "more" in message
    assert "secret" not in message


def test_identifying_examples_are_shown_to_the_owner_of_the_files_only() -> None:
    violation = Violation("f", "t", "id", "duplicate keys", 1, ("anna",), "do", identifying=True)
    assert "anna" in render([violation], show_identifying=True)
    assert "anna" not in render([violation], show_identifying=False)


def test_sql_that_fails_or_lacks_a_column_is_a_violation_of_its_table(tmp_path: Path) -> None:
    raw = plain_bank().write(tmp_path / "raw")
    for sql, rule in (
        ("SELECT nothing FROM held", "the SQL failed"),
        ("SELECT id AS customer_id, month FROM held", "missing column"),
        ("SELECT id AS customer_id, month, product, 1 AS extra FROM held", "column that the table"),
        ("SELECT id AS customer_id, month, product FROM held WHERE false", "no rows"),
    ):
        tables = settings().model_dump(mode="json")["tables"]
        tables["holdings"]["sql"] = sql
        faults, _ = convert(
            settings(tables=tables), raw=raw, output=tmp_path, progress=lambda *_: None
        )
        assert any(v.table == "holdings" and rule in v.rule for v in faults), sql


def test_parquet_sources_are_checked_alike(tmp_path: Path) -> None:
    raw = plain_bank().write(tmp_path / "raw")
    sources = settings().model_dump(mode="json")["sources"]
    sources["held"] |= {"path": "held/*.parquet", "format": "parquet"}
    dataset = settings(sources=sources)
    (raw / "held").mkdir()
    rows = f"read_csv('{raw}/held.csv', all_varchar = true)"

    def faults(query: str) -> set[tuple[str, str, str, int]]:
        duckdb.execute(f"COPY ({query}) TO '{raw}/held/a.parquet' (FORMAT parquet)").fetchall()
        found, _ = convert(dataset, raw=raw, output=tmp_path, progress=lambda *_: None)
        return {(v.file, v.column, v.rule, v.count) for v in found if v.table == "held"}

    assert faults(f"SELECT * FROM {rows}") == set()
    assert faults(f"SELECT id, month FROM {rows}") == {
        ("a.parquet", "product", "missing column", 1)
    }
    assert faults(f"SELECT id, 'never' AS month, product FROM {rows} LIMIT 4") == {
        ("held/*.parquet", "month", "values that are not DATE", 4)
    }
    (raw / "held" / "a.parquet").write_bytes(b"PAR1 cut")
    found, _ = convert(dataset, raw=raw, output=tmp_path, progress=lambda *_: None)
    assert [(v.file, v.rule) for v in found] == [("a.parquet", "not a readable Parquet file")]


def test_contract_error_is_ours() -> None:
    fault = Violation("f", "t", "c", "r", 1, (), "do")
    assert isinstance(refuse([fault]), DataContractError)


def test_blank_customer_is_out_of_range(tmp_path: Path) -> None:
    bank: Bank = plain_bank()
    bank.people.append((" ", 1980, "F", "2020-01-01"))
    sources = settings().model_dump(mode="json")["sources"]
    sources["people"] |= {"trim": True}
    faults, _ = convert(
        settings(sources=sources),
        raw=bank.write(tmp_path / "raw"),
        output=tmp_path,
        progress=lambda *_: None,
    )
    assert [(v.column, v.rule, v.count) for v in faults] == [
        ("id", "missing values in a required column", 1)
    ]
