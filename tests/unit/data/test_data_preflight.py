"""The preflight job and check-data as a person or a state machine meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.settings.base import CONFIGS
from tests.fixtures import santander_file
from tests.unit.data.tiny import plain_bank, settings
from training_jobs.data import check
from training_jobs.data.synthetic.writing import Order, generate

ROOT = CONFIGS.parent


def _run_job(root: Path) -> subprocess.CompletedProcess[str]:
    channel = root / "processing" / "input" / "settings"
    channel.mkdir(parents=True)
    identity = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}
    (channel / "settings.json").write_text(
        json.dumps(
            {"settings": {"dataset": settings().model_dump(mode="json")}, "identity": identity}
        )
    )
    return subprocess.run(
        [sys.executable, "-m", "training_jobs.preflight"],
        cwd=ROOT,
        env=os.environ | {"SEVENLENS_ML_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_job_leaves_tables_and_a_manifest(tmp_path: Path) -> None:
    plain_bank().write(tmp_path / "processing" / "input" / "raw")
    done = _run_job(tmp_path)
    assert done.returncode == 0, done.stderr
    output = tmp_path / "processing" / "output" / "stage"
    manifest = Manifest.parse((output / MANIFEST_NAME).read_bytes())
    manifest.verify(output)
    paths = {entry.path for entry in manifest.files}
    assert {"profile.json", "shards.json", "tables/customers/part-00000.parquet"} <= paths


def test_job_with_broken_data_exits_1_writes_nothing_and_says_why(tmp_path: Path) -> None:
    raw = plain_bank().write(tmp_path / "processing" / "input" / "raw")
    with (raw / "events.csv").open("a") as stream:
        stream.write("ghost,2024-01-01 00:00:00,1,debit,food\n")
    done = _run_job(tmp_path)
    assert done.returncode == 1
    assert list((tmp_path / "processing" / "output" / "stage").iterdir()) == []
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith("DataContractError: 1 violations")
    for part in ("events.csv", "transactions", "customer_id", "not in customers", ": 1"):
        assert part in message
    assert "remedy" in done.stdout
    # The customer is named to whoever holds the files, never in a log.
    assert "ghost" not in done.stdout + done.stderr + message


def test_check_tells_what_is_on_and_what_is_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(
        Order(customers=300, months=24, seed=2),
        out=tmp_path / "bank",
        truth=tmp_path / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    arguments = ["--dataset", "synthetic", "--data", str(tmp_path / "bank")]
    assert check.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert found["violations"] == []
    tasks = {task["name"]: task for task in found["tasks"]}
    assert len(tasks) == 13
    # 300 customers are too few for rare acquisitions and enough for segments.
    assert tasks["segment_prediction"]["status"] == "on"
    assert tasks["will_acquire_investments"]["status"] == "off"
    assert "are needed" in tasks["will_acquire_investments"]["reason"]
    for rows in (found["groups"], found["tensors"], found["experts"]):
        off = {row["reason"] for row in rows if row["status"] == "off"}
        assert off <= {"switched off in feature_groups.yaml"}
    assert found["proposed_splits"]["test"] == ["2025-09"]
    assert 100 < found["fit_customers"] < 300
    assert check.main(arguments) == 0
    text = capsys.readouterr().out
    for part in ("segment_prediction", "transactions", "demographics", "2024-01", "temporal"):
        assert part in text
    off = [task for task in found["tasks"] if task["status"] == "off"]
    assert off
    for task in off:
        assert task["remedy"] in text.partition("To switch on what is off:")[2]


def test_what_is_off_comes_with_what_to_supply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = santander_file.write(tmp_path / "raw", santander_file.crowd(60))
    assert check.main(["--dataset", "santander", "--data", str(raw), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    groups = {group["group"]: group for group in found["groups"]}
    assert groups["product_holdings"] == {
        "group": "product_holdings", "status": "on", "reason": None, "remedy": None,
        "experts": groups["product_holdings"]["experts"],
    }  # fmt: skip
    behaviour = groups["txn_behavior"]
    assert behaviour["reason"] == "needs transactions: no value up to the fit cut-off"
    assert behaviour["remedy"] == (
        "supply transactions up to 2015-12-31 by tables.transactions in the data set's YAML"
    )
    temporal = next(row for row in found["experts"] if row["expert"] == "temporal")
    assert (temporal["status"], temporal["inputs"]) == ("off", [])
    assert "events: needs transactions" in temporal["reason"]
    assert "supply transactions" in temporal["remedy"]
    tasks = {task["name"]: task for task in found["tasks"]}
    assert tasks["next_mcc"]["remedy"].startswith("supply the rows of transactions and add tables")


def test_check_prints_every_violation_with_examples_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(
        Order(customers=200, months=24, seed=2),
        out=tmp_path / "bank",
        truth=tmp_path / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    for part in (tmp_path / "bank" / "holdings").iterdir():
        part.write_bytes(b"")
    for part in (tmp_path / "bank" / "transactions").iterdir():
        part.unlink()
    arguments = ["--dataset", "synthetic", "--data", str(tmp_path / "bank")]
    assert check.main(arguments) == 1
    text = capsys.readouterr().out
    assert "2 violations" in text
    assert "part-00000.parquet (table holdings): not a readable Parquet file: 1" in text
    assert "transactions/*.parquet (table transactions): no such file: 1" in text
    assert "remedy" in text
    assert check.main([*arguments, "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["violations"]) == 2


def test_check_without_a_folder_or_a_known_data_set_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main(["--dataset", "berka"]) == 2
    assert check.main(["--dataset", "berka", "--data", str(tmp_path / "none")]) == 2
    assert check.main(["--dataset", "nobank", "--data", str(tmp_path)]) == 2
    assert "synthetic" in capsys.readouterr().err
