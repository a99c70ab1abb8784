"""Dealing rows into shards: same bytes whatever the threads, taken up again after a cut."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from configs.errors import SettingsError
from configs.settings.dataset import DatasetSettings
from tests.unit.data.tiny import MONTHS, Bank, convert_bank, plain_bank, settings
from training_jobs.data.canonical import UNFINISHED, convert
from training_jobs.data.engine import engine
from training_jobs.data.parts import threads_for


def _big(raw: Path) -> DatasetSettings:
    """Write 400,000 events of 500 people in a shuffled order; return the settings."""
    plain_bank().write(raw)
    (raw / "events.csv").unlink()
    people = "SELECT CAST(range AS VARCHAR) AS id FROM range(500)"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT id, 1980 AS born, 'F' AS sex, DATE '2020-01-01' AS joined "
            f"FROM ({people}) UNION ALL "
            f"SELECT * FROM read_csv('{raw}/people.csv', all_varchar = true)) "
            f"TO '{raw}/people.csv.new' (FORMAT csv, HEADER)"
        )
        connection.execute(
            "COPY (SELECT CAST(hash(range) % 500 AS VARCHAR) AS id, "
            "TIMESTAMP '2023-06-01' + to_seconds(CAST(hash(range, 1) % 39000000 AS BIGINT)) AS at, "
            "1 + hash(range, 2) % 100000 AS amount, 'debit' AS way, 'food' AS kind "
            f"FROM range(400000)) TO '{raw}/events.parquet' (FORMAT parquet)"
        )
    (raw / "people.csv.new").replace(raw / "people.csv")
    made = settings(shards=2).model_dump(mode="json")
    made["sources"]["events"] |= {"path": "events.parquet", "format": "parquet"}
    return DatasetSettings.model_validate(made)


def _bytes(output: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


def test_threads_and_memory_change_no_byte_beyond_a_row_group(tmp_path: Path) -> None:
    dataset = _big(tmp_path / "raw")
    made = []
    for threads, memory in ((1, "2GB"), (2, "2GB"), (4, "120MB")):
        limits = dataset.limits.model_copy(update={"threads": threads, "memory": memory})
        output = tmp_path / f"{threads}"
        faults, _ = convert(
            dataset.model_copy(update={"limits": limits}),
            raw=tmp_path / "raw", output=output, progress=lambda *_: None,
        )  # fmt: skip
        assert not faults
        made.append(_bytes(output))
    part = tmp_path / "1" / "tables" / "transactions" / "part-00000.parquet"
    assert pq.ParquetFile(part).num_row_groups > 1, "one row group would prove nothing"
    assert made[0] == made[1] == made[2]


def test_parts_of_a_table_have_one_schema_whatever_is_missing_in_them(tmp_path: Path) -> None:
    bank = plain_bank()
    for number in range(30):
        bank.add(f"n{number}", held={"current": MONTHS})
    # One person without sex: the part of one shard has a gap, the others have none.
    bank.people.append(("gap", 1980, "", "2020-01-01"))
    bank.months.append(("gap", MONTHS[0], "low", ""))
    preflight = convert_bank(bank, tmp_path, settings(shards=4))
    for table in ("customers", "customer_months", "holdings", "transactions"):
        parts = sorted((preflight / "tables" / table).iterdir())
        schemas = [pq.ParquetFile(part).schema for part in parts]
        assert all(schema.equals(schemas[0]) for schema in schemas), table


def test_a_shard_without_anybody_has_a_file_with_the_columns(tmp_path: Path) -> None:
    preflight = convert_bank(plain_bank(), tmp_path, settings(shards=16))
    rows = [pq.read_table(path) for path in (preflight / "tables" / "holdings").iterdir()]
    assert len(rows) == 16
    assert {table.num_rows for table in rows} >= {0}
    assert {tuple(table.column_names) for table in rows} == {("customer_id", "month", "product")}


@pytest.mark.parametrize(
    ("sql", "threads"),
    [
        ("SELECT id, kind FROM events WHERE way = 'debit'", 4),
        ("SELECT events.id, born FROM events JOIN people ON people.id = events.id", 4),
        ("SELECT unnest([1, 2]) AS two FROM people", 4),
        ("SELECT id, sum(amount) FROM events GROUP BY id", 1),
        ("SELECT DISTINCT id FROM events", 1),
        ("SELECT id, lag(amount) OVER (ORDER BY way) FROM events", 1),
        ("SELECT id FROM events LIMIT 3", 1),
        ("SELECT id, (SELECT avg(amount) FROM events) FROM people", 1),
    ],
)
def test_only_queries_whose_rows_cannot_depend_on_threads_get_them(sql: str, threads: int) -> None:
    with engine(settings()) as connection:
        connection.execute("CREATE TABLE people AS SELECT '1' AS id, 1980 AS born")
        connection.execute(
            "CREATE TABLE events AS SELECT '1' AS id, 'debit' AS way, 'food' AS kind, "
            "1.5::DOUBLE AS amount, TIMESTAMP '2024-01-01' AS at FROM range(9)"
        )
        assert threads_for(connection, sql, most=4) == threads


class _Cut(Exception):
    """The machine went away."""


def _cut_after(steps: int) -> Any:
    def progress(done: int, total: int, what: str) -> None:
        del total, what
        if done == steps:
            raise _Cut

    return progress


def _written(output: Path) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns for path in sorted((output / "tables").rglob("part-*"))
    }


def test_a_cut_conversion_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    dataset = settings(shards=4)
    raw = plain_bank().write(tmp_path / "raw")
    whole, output = tmp_path / "whole", tmp_path / "out"
    convert(dataset, raw=raw, output=whole, progress=lambda *_: None)
    with pytest.raises(_Cut):
        convert(dataset, raw=raw, output=output, progress=_cut_after(6))
    before = _written(output)
    assert len(before) == 6
    # A part that was being written has no name yet.
    (output / "tables" / "customer_months" / "part-00002.partial").write_bytes(b"half")
    convert(dataset, raw=raw, output=output, progress=lambda *_: None)
    after = _written(output)
    assert {path: after[path] for path in before} == before
    (output / "tables" / "customer_months" / "part-00002.partial").unlink(missing_ok=True)
    assert _bytes(output) == _bytes(whole)
    assert not (output / UNFINISHED).exists()


def test_parts_of_other_files_or_settings_are_not_taken_up(tmp_path: Path) -> None:
    bank = Bank()
    bank.filler()
    raw, output = bank.write(tmp_path / "raw"), tmp_path / "out"
    with pytest.raises(_Cut):
        convert(settings(shards=4), raw=raw, output=output, progress=_cut_after(14))
    bank.add("later", held={"savings": MONTHS})
    bank.write(raw)
    faults, _ = convert(settings(shards=2), raw=raw, output=output, progress=lambda *_: None)
    assert not faults
    convert(settings(shards=2), raw=raw, output=tmp_path / "new", progress=lambda *_: None)
    assert _bytes(output) == _bytes(tmp_path / "new")


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Mars/Olympus"):
        convert(
            settings(time_zone="Mars/Olympus"),
            raw=plain_bank().write(tmp_path / "raw"),
            output=tmp_path / "out",
            progress=lambda *_: None,
        )


def test_rows_of_unknown_customers_are_found_in_every_table(tmp_path: Path) -> None:
    """They have no home shard of their own and must not be lost before they are counted."""
    bank = plain_bank()
    bank.held += [("ghost", month, "card") for month in MONTHS]
    bank.events += [("ghost", "2024-01-01 00:00:00", 1, "debit", "food")]
    faults, _ = convert(
        settings(shards=8), raw=bank.write(tmp_path / "raw"), output=tmp_path / "out",
        progress=lambda *_: None,
    )  # fmt: skip
    found = {(fault.table, fault.count) for fault in faults}
    assert found == {("holdings", len(MONTHS)), ("transactions", 1)}
    assert not (tmp_path / "out").exists()
