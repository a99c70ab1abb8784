"""The real PKDD'99 files: what comes in, what is kept, which tasks they carry."""

import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.violations import render
from training_jobs.tasks.examples import write_examples

FOLDER = Path(os.environ.get("SEVENLENS_DATA", "")) / "berka"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        "SEVENLENS_DATA" not in os.environ, reason="SEVENLENS_DATA does not name the data folder"
    ),
]
DATASET = load(DatasetSettings, CONFIGS / "datasets" / "berka.yaml")


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("berka") / "preflight"
    output.mkdir()
    faults, _ = convert(DATASET, raw=FOLDER, output=output, progress=lambda *_: None)
    assert not faults, render(faults, show_identifying=True)
    return output


@pytest.fixture(scope="module")
def report(berka: Path) -> dict[str, Any]:
    tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
    return write_examples(berka / "tables", berka.parent / "phase0", dataset=DATASET, tasks=tasks)


def _query(berka: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for table in (berka / "tables").iterdir():
            connection.execute(f"CREATE VIEW {table.name} AS SELECT * FROM '{table}/*.parquet'")
        connection.execute(f"CREATE VIEW raw_trans AS SELECT * FROM read_csv('{FOLDER}/trans.asc')")
        connection.execute(f"CREATE VIEW client AS SELECT * FROM read_csv('{FOLDER}/client.asc')")
        return connection.execute(sql).fetchall()


def test_rows_in(berka: Path) -> None:
    profile = json.loads((berka / "profile.json").read_text())
    assert profile["sources"] == {
        "account": 4500, "client": 5369, "disp": 5369, "card": 892, "loan": 682,
        "district": 77, "trans": 46997,
    }  # fmt: skip
    # Without March 1994; accounts opened after February 1994 are not customers yet.
    assert profile["tables"]["transactions"]["rows"] == 42945
    assert profile["tables"]["customers"]["rows"] == 1197


def test_no_krona_is_lost_and_none_is_made(berka: Path) -> None:
    raw = _query(
        berka,
        "SELECT type = 'PRIJEM', CAST(round(sum(amount) * 100) AS BIGINT) FROM raw_trans "
        "WHERE date <= 940228 GROUP BY 1 ORDER BY 1",
    )
    kept = _query(
        berka, "SELECT direction = 'credit', sum(amount) FROM transactions GROUP BY 1 ORDER BY 1"
    )
    assert [row[1] for row in raw] == [row[1] for row in kept]


def test_birth_numbers_carry_the_sex(berka: Path) -> None:
    rows = _query(
        berka,
        "SELECT birth_number, birth_year, gender FROM customers "
        "JOIN client ON CAST(client.client_id AS VARCHAR) = customers.customer_id",
    )
    for number, year, gender in rows:
        assert year == 1900 + int(str(number)[:-4])
        assert gender == ("F" if int(str(number)[-4:-2]) > 50 else "M")
    assert {row[2] for row in rows} == {"F", "M"}
    assert all(1905 < row[1] < 1990 for row in rows)


def test_holdings_start_with_their_date_and_nothing_undated_is_there(berka: Path) -> None:
    early = _query(
        berka,
        "SELECT count(*) FROM holdings JOIN customers USING (customer_id) "
        "WHERE holdings.month < last_day(joined_on)",
    )
    assert early == [(0,)]
    last = dict(
        _query(
            berka, "SELECT product, count(*) FROM holdings WHERE month = '1994-02-28' GROUP BY 1"
        )
    )
    # 5 cards issued and 31 loans running by February 1994; 892 and 682 stand in the files.
    assert last["card_classic"] == 5
    assert last["loan"] == 31
    assert sum(count for product, count in last.items() if product.startswith("account")) == 1197


def test_every_kind_of_payment_has_a_category(berka: Path) -> None:
    kinds = {row[0] for row in _query(berka, "SELECT DISTINCT category FROM transactions")}
    assert kinds == {
        "cash_in", "transfer_in", "pension", "cash_out", "card_cash", "transfer_out", "household",
        "insurance", "loan_payment", "interest", "statement_fee", "overdraft_interest",
    }  # fmt: skip


def test_transaction_tasks_are_on_and_acquisitions_off_with_reasons(report: dict[str, Any]) -> None:
    on = {task["name"] for task in report["tasks"] if task["status"] == "on"}
    assert on == {"segment_prediction", "next_mcc", "top_mcc_shift", "mcc_diversity_trend"}
    for task in report["tasks"]:
        assert (task["reason"] is None) == (task["name"] in on)
    reasons = {task["name"]: task["reason"] for task in report["tasks"]}
    assert reasons["will_acquire_deposits"] == "the catalogue has no product group 'deposits'"
    assert "100 are needed" in reasons["will_acquire_lending"]
    assert report["rows"]["train"] > 1400
    assert report["rows"]["test"] > 600


def test_broken_copy_is_refused_with_the_file_and_line(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in FOLDER.glob("*.asc"):
        (raw / path.name).write_bytes(path.read_bytes())
    with (raw / "trans.asc").open("ab") as stream:
        stream.write(b'1;1;940199;"PRIJEM";"VKLAD";1.00;1.00;"";;\r\n')
        stream.write(b'2;99999;940101;"PRIJEM";"VKLAD";1.00;1.00;"";;\r\n')
    output = tmp_path / "out"
    output.mkdir()
    faults, _ = convert(DATASET, raw=raw, output=output, progress=lambda *_: None)
    found = {(fault.file, fault.column, fault.count) for fault in faults}
    assert ("trans.asc", "date", 1) in found
    assert ("trans.asc", "account_id", 1) in found
    assert list(output.iterdir()) == []
