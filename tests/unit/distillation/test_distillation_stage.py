"""The distill job on a small bank: what it reads, refuses and leaves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from configs.errors import ArtefactError
from configs.settings.distillation import DistillationSettings
from tests.fixtures.label_reads import label_reads
from tests.unit.distillation.distillation_bank import (
    CHURN,
    COUNT,
    NBA,
    ROUTES,
    Bank,
    bytes_of,
    edit,
    light,
    students_of,
)
from training_jobs.distillation.rows import read_folder

PROTECTED = "age"


def test_the_job_leaves_students_scores_checks_and_a_ledger(bank: Bank, tmp_path: Path) -> None:
    output = bank.distil(tmp_path / "out", light())
    assert {name: row["route"] for name, row in students_of(output).items()} == ROUTES
    assert {path.stem for path in (output / "students").glob("*.txt")} == set(ROUTES)
    for split in ("test", "score"):
        table = pq.read_table(output / "predictions" / f"{split}.parquet")
        assert set(ROUTES) < set(table.column_names)
        assert pa.types.is_fixed_size_list(table.schema.field(NBA).type)
    checks = {
        row["name"]: row for row in json.loads((output / "checks.json").read_text())["checks"]
    }
    assert checks["fidelity.tasks_served"]["blocking"]
    assert all(row["passed"] for row in checks.values())
    ledger = json.loads((output / "students.json").read_text())["ledger"]
    assert [entry["split"] for entry in ledger] == ["train", "selection", "calibration", "test"]
    for entry in ledger:
        assert sorted(entry["columns"]) == sorted(f"y_{task}" for task in ROUTES)


def test_two_runs_leave_the_same_bytes(bank: Bank, tmp_path: Path) -> None:
    one, two = (bank.distil(tmp_path / name, light()) for name in ("one", "two"))
    assert bytes_of(one) == bytes_of(two)


def test_the_figures_can_be_worked_out_again_from_what_is_left(bank: Bank, tmp_path: Path) -> None:
    output = bank.distil(tmp_path / "out", light())
    scores = pq.read_table(output / "predictions" / "test.parquet")
    examples = read_folder(bank.phase0 / "examples")
    names = np.array(examples.column("split").to_pylist())
    test = examples.take(pa.array(np.flatnonzero(names == "test")))
    assert test.column("customer_id").equals(scores.column("customer_id"))
    y = test.column(f"y_{CHURN}").to_numpy().astype(float)
    kept = ~np.isnan(y) & ~np.array(scores.column("cold").to_pylist())
    wanted = roc_auc_score(y[kept], scores.column(CHURN).to_numpy()[kept])
    entry = students_of(output)[CHURN]
    assert entry["quality"]["auc"]["student"] == pytest.approx(wanted)
    gap = next(row for row in entry["tiers"] if row["name"] == "auc_gap")
    assert gap["value"] == pytest.approx(entry["quality"]["auc"]["teacher"] - wanted)


def test_the_teacher_is_joined_by_key(bank: Bank, tmp_path: Path) -> None:
    """Its files stand in another order; joined by place it would know nothing."""
    quality = students_of(bank.distil(tmp_path / "out", light()))[CHURN]["quality"]
    assert quality["auc"]["teacher"] > 0.85


def test_a_planted_protected_column_never_decides(bank: Bank, tmp_path: Path) -> None:
    """It lies in the features and gives the answer away; the students are as before."""
    before = bank.distil(tmp_path / "before", light())
    answers = read_folder(bank.phase0 / "examples").column(f"y_{CHURN}").to_numpy()
    start = 0

    def plant(part: pa.Table) -> pa.Table:
        nonlocal start
        values = np.nan_to_num(answers[start : start + part.num_rows]).astype(np.float32)
        start += part.num_rows
        place = part.schema.get_field_index(PROTECTED)
        return part.set_column(place, PROTECTED, pa.array(values))

    for path in sorted((bank.phase0 / "features").glob("part-*.parquet")):
        pq.write_table(plant(pq.read_table(path)), path)
    after = bank.distil(tmp_path / "after", light())
    assert bytes_of(before) == bytes_of(after)
    schema = json.loads((bank.phase0 / "feature_schema.json").read_text())
    for entry in students_of(after).values():
        assert set(entry["features"]) <= set(schema["decision_inputs"])
        assert PROTECTED not in entry["features"]

    def expose(schema: dict[str, Any]) -> None:
        schema["decision_inputs"].append(PROTECTED)
        next(row for row in schema["columns"] if row["name"] == PROTECTED)["protected"] = False

    edit(bank.phase0 / "feature_schema.json", expose)
    exposed = students_of(bank.distil(tmp_path / "exposed", light()))[CHURN]
    assert exposed["quality"]["auc"]["student"] > 0.99, "the plant would have been used"


@pytest.mark.parametrize(
    ("name", "fault"), [(PROTECTED, "is protected"), ("no_such_column", "is no column")]
)
def test_a_decision_input_that_may_not_decide_is_refused(
    bank: Bank, tmp_path: Path, name: str, fault: str
) -> None:
    edit(bank.phase0 / "feature_schema.json", lambda row: row["decision_inputs"].append(name))
    with pytest.raises(ArtefactError, match=f"'{name}' {fault}"):
        bank.distil(tmp_path / "out", light())


def test_a_task_the_evaluation_did_not_judge_is_left_to_rules(bank: Bank, tmp_path: Path) -> None:
    edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].pop(CHURN))
    output = bank.distil(tmp_path / "out", light())
    entry = students_of(output)[CHURN]
    assert (entry["route"], entry["reason"]) == ("RULES", "the evaluation has no verdict on it")
    assert not (output / "students" / f"{CHURN}.txt").exists()
    scores = pq.read_table(output / "predictions" / "test.parquet")
    assert CHURN not in scores.column_names


def test_a_task_of_a_weak_teacher_is_left_to_rules_with_the_reason(
    bank: Bank, tmp_path: Path
) -> None:
    verdict = {"route": "RULES", "route_reason": "auc: teacher 0.510; not above 0.52"}
    edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].update({CHURN: verdict}))
    output = bank.distil(tmp_path / "out", light())
    entry = students_of(output)[CHURN]
    assert (entry["route"], entry["reason"]) == ("RULES", verdict["route_reason"])
    ledger = json.loads((output / "students.json").read_text())["ledger"]
    assert all(f"y_{CHURN}" not in entry["columns"] for entry in ledger)


def test_a_withheld_student_is_told_by_a_check_and_nothing_of_it_is_left(
    bank: Bank, tmp_path: Path
) -> None:
    settings = light()
    bar = {"high": -0.9}
    tiers = settings.tiers.model_dump() | {"auc_gap": bar}
    strict = DistillationSettings.model_validate(settings.model_dump() | {"tiers": tiers})
    output = bank.distil(tmp_path / "out", strict)
    checks = {
        row["name"]: row for row in json.loads((output / "checks.json").read_text())["checks"]
    }
    assert not checks[f"fidelity.{CHURN}"]["passed"]
    assert "auc_gap" in checks[f"fidelity.{CHURN}"]["detail"]
    assert checks["fidelity.tasks_served"]["value"] == len(ROUTES) - 1
    assert not (output / "students" / f"{CHURN}.txt").exists()
    assert students_of(output)[CHURN]["requested_route"] == "DISTILL"


def test_a_run_without_any_student_fails_its_blocking_check(bank: Bank, tmp_path: Path) -> None:
    edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].clear())
    output = bank.distil(tmp_path / "out", light())
    checks = {
        row["name"]: row for row in json.loads((output / "checks.json").read_text())["checks"]
    }
    assert checks["fidelity.tasks_served"]["blocking"]
    assert not checks["fidelity.tasks_served"]["passed"]


def _grouped(**groups: list[str]) -> DistillationSettings:
    return DistillationSettings.model_validate(light().model_dump() | {"groups": groups})


def test_a_group_holds_its_own_tasks_only(bank: Bank, tmp_path: Path) -> None:
    settings = _grouped(first=[CHURN], rest=[NBA, COUNT])
    assert set(students_of(bank.distil(tmp_path / "first", settings, "first"))) == {CHURN}
    assert set(students_of(bank.distil(tmp_path / "rest", settings, "rest"))) == {NBA, COUNT}


def test_groups_change_no_student(bank: Bank, tmp_path: Path) -> None:
    """Rows are lent to one task after another; none leaves a trace in them."""
    alone = bank.distil(tmp_path / "alone", _grouped(one=[CHURN]), "one")
    among = bank.distil(tmp_path / "among", light())
    text = f"students/{CHURN}.txt"
    assert bytes_of(alone)[text] == bytes_of(among)[text]


def test_the_ledger_tells_exactly_what_left_the_examples(bank: Bank, tmp_path: Path) -> None:
    with label_reads() as reads:
        output = bank.distil(tmp_path / "out", light())
    ledger = json.loads((output / "students.json").read_text())["ledger"]
    assert {entry["split"]: set(entry["columns"]) for entry in ledger} == reads.columns
    assert all(entry["reader"] == "distill" for entry in ledger)
