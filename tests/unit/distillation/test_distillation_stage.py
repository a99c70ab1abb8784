"""The distill job on a small bank: what it reads, refuses and leaves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from configs.contracts.stages import Stage
from configs.errors import ArtefactError, SettingsError
from configs.settings.distillation import DistillationSettings
from tests.fixtures.phase0_output import write_phase0
from tests.unit.distillation.distillation_world import shipped, tolerant
from training_jobs.distill import main
from training_jobs.distillation.rows import SPLITS, read_folder, read_rows, read_tasks
from training_jobs.runtime import JobContext

CHURN, NBA, COUNT = "churn_signal", "nba_primary", "cross_sell_count"
PROTECTED = "age"
ROUTES = {CHURN: "DISTILL", NBA: "DIRECT", COUNT: "DISTILL"}
Change = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class Bank:
    """The three inputs of the stage."""

    phase0: Path
    teacher: Path
    evaluate: Path

    def distil(self, output: Path, settings: DistillationSettings, group: str = "all") -> Path:
        """Run the job and return its output."""
        output.mkdir(parents=True)
        inputs = {"phase0": self.phase0, "teacher": self.teacher, "evaluate": self.evaluate}
        main(
            JobContext(
                stage=Stage.DISTILL,
                inputs=inputs,
                output=output,
                checkpoints=None,
                settings={"distillation": settings.model_dump(mode="json")},
                identity={"group": group},
            )
        )
        return output

    def rewrite(self, folder: str, change: Change) -> None:
        """Change every part of one of Phase 0's tables."""
        for path in (self.phase0 / folder).glob("part-*.parquet"):
            pq.write_table(change(pq.read_table(path)), path)


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def _opinions(name: str, examples: pa.Table, width: int) -> pa.Array:
    """A teacher that saw the label through a haze."""
    rng = np.random.default_rng(len(name))
    y = np.nan_to_num(examples.column(f"y_{name}").to_numpy().astype(float))
    if width > 1:
        p = np.full((len(y), width), 0.4 / width)
        p[np.arange(len(y)), y.astype(int)] += 0.6
        return pa.FixedSizeListArray.from_arrays(pa.array(p.ravel(), pa.float32()), width)
    if name.startswith(("cross_sell", "product")):
        return pa.array(0.5 * y + 0.5 * y.mean() + 0.1 * rng.random(len(y)))
    return pa.array(1 / (1 + np.exp(-(2 * y - 1.5 + rng.normal(size=len(y))))))


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    phase0 = write_phase0(tmp_path / "phase0", customers=300)

    def keep(document: dict[str, Any]) -> None:
        for row in document["tasks"]:
            row["status"] = "on" if row["name"] in ROUTES else "off"

    _edit(phase0 / "tasks.json", keep)
    teacher, evaluate = tmp_path / "teacher", tmp_path / "evaluate"
    (teacher / "predictions").mkdir(parents=True)
    evaluate.mkdir()
    examples = read_folder(phase0 / "examples")
    names = np.array(examples.column("split").to_pylist())
    for split in SPLITS:
        part = examples.take(pa.array(np.flatnonzero(names == split)))
        # Backwards: the job must join by key, for the order of rows is nobody's promise.
        part = part.take(pa.array(np.arange(part.num_rows)[::-1]))
        columns = {name: part.column(name) for name in ("customer_id", "as_of")}
        columns |= {
            task.name: _opinions(task.name, part, task.width) for task in read_tasks(phase0)
        }
        pq.write_table(pa.table(columns), teacher / "predictions" / f"{split}.parquet")
    rows = {name: {"route": route, "route_reason": ""} for name, route in ROUTES.items()}
    (evaluate / "evaluation.json").write_text(json.dumps({"tasks": rows}))
    return Bank(phase0, teacher, evaluate)


def _light() -> DistillationSettings:
    return tolerant(shipped(**{"student.rounds": 25}))


def _students(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "students.json").read_text())["tasks"]
    return found


def _bytes(output: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


def test_the_job_leaves_students_scores_checks_and_a_ledger(bank: Bank, tmp_path: Path) -> None:
    output = bank.distil(tmp_path / "out", _light())
    assert {name: row["route"] for name, row in _students(output).items()} == ROUTES
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
    assert sorted(ledger[0]["columns"]) == sorted(ROUTES)


def test_two_runs_leave_the_same_bytes(bank: Bank, tmp_path: Path) -> None:
    one, two = (bank.distil(tmp_path / name, _light()) for name in ("one", "two"))
    assert _bytes(one) == _bytes(two)


def test_the_figures_can_be_worked_out_again_from_what_is_left(bank: Bank, tmp_path: Path) -> None:
    output = bank.distil(tmp_path / "out", _light())
    scores = pq.read_table(output / "predictions" / "test.parquet")
    examples = read_folder(bank.phase0 / "examples")
    names = np.array(examples.column("split").to_pylist())
    test = examples.take(pa.array(np.flatnonzero(names == "test")))
    assert test.column("customer_id").equals(scores.column("customer_id"))
    y = test.column(f"y_{CHURN}").to_numpy().astype(float)
    kept = ~np.isnan(y) & ~np.array(scores.column("cold").to_pylist())
    wanted = roc_auc_score(y[kept], scores.column(CHURN).to_numpy()[kept])
    entry = _students(output)[CHURN]
    assert entry["quality"]["auc"]["student"] == pytest.approx(wanted)
    gap = next(row for row in entry["tiers"] if row["name"] == "auc_gap")
    assert gap["value"] == pytest.approx(entry["quality"]["auc"]["teacher"] - wanted)


def test_the_teacher_is_joined_by_key(bank: Bank, tmp_path: Path) -> None:
    """Its files stand in another order; joined by place it would know nothing."""
    quality = _students(bank.distil(tmp_path / "out", _light()))[CHURN]["quality"]
    assert quality["auc"]["teacher"] > 0.85


def test_a_planted_protected_column_never_decides(bank: Bank, tmp_path: Path) -> None:
    """It lies in the features and gives the answer away; the students are as before."""
    before = bank.distil(tmp_path / "before", _light())
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
    after = bank.distil(tmp_path / "after", _light())
    assert _bytes(before) == _bytes(after)
    schema = json.loads((bank.phase0 / "feature_schema.json").read_text())
    for entry in _students(after).values():
        assert set(entry["features"]) <= set(schema["decision_inputs"])
        assert PROTECTED not in entry["features"]

    def expose(schema: dict[str, Any]) -> None:
        schema["decision_inputs"].append(PROTECTED)
        next(row for row in schema["columns"] if row["name"] == PROTECTED)["protected"] = False

    _edit(bank.phase0 / "feature_schema.json", expose)
    exposed = _students(bank.distil(tmp_path / "exposed", _light()))[CHURN]
    assert exposed["quality"]["auc"]["student"] > 0.99, "the plant would have been used"


@pytest.mark.parametrize(
    ("name", "fault"), [(PROTECTED, "is protected"), ("no_such_column", "is no column")]
)
def test_a_decision_input_that_may_not_decide_is_refused(
    bank: Bank, tmp_path: Path, name: str, fault: str
) -> None:
    _edit(bank.phase0 / "feature_schema.json", lambda row: row["decision_inputs"].append(name))
    with pytest.raises(ArtefactError, match=f"'{name}' {fault}"):
        bank.distil(tmp_path / "out", _light())


def test_a_task_the_evaluation_did_not_judge_is_left_to_rules(bank: Bank, tmp_path: Path) -> None:
    _edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].pop(CHURN))
    output = bank.distil(tmp_path / "out", _light())
    entry = _students(output)[CHURN]
    assert (entry["route"], entry["reason"]) == ("RULES", "the evaluation has no verdict on it")
    assert not (output / "students" / f"{CHURN}.txt").exists()
    scores = pq.read_table(output / "predictions" / "test.parquet")
    assert CHURN not in scores.column_names


def test_a_task_of_a_weak_teacher_is_left_to_rules_with_the_reason(
    bank: Bank, tmp_path: Path
) -> None:
    verdict = {"route": "RULES", "route_reason": "auc: teacher 0.510; not above 0.52"}
    _edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].update({CHURN: verdict}))
    output = bank.distil(tmp_path / "out", _light())
    entry = _students(output)[CHURN]
    assert (entry["route"], entry["reason"]) == ("RULES", verdict["route_reason"])
    ledger = json.loads((output / "students.json").read_text())["ledger"]
    assert CHURN not in ledger[0]["columns"]


def test_a_withheld_student_is_told_by_a_check_and_nothing_of_it_is_left(
    bank: Bank, tmp_path: Path
) -> None:
    settings = _light()
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
    assert _students(output)[CHURN]["requested_route"] == "DISTILL"


def test_a_run_without_any_student_fails_its_blocking_check(bank: Bank, tmp_path: Path) -> None:
    _edit(bank.evaluate / "evaluation.json", lambda row: row["tasks"].clear())
    output = bank.distil(tmp_path / "out", _light())
    checks = {
        row["name"]: row for row in json.loads((output / "checks.json").read_text())["checks"]
    }
    assert checks["fidelity.tasks_served"]["blocking"]
    assert not checks["fidelity.tasks_served"]["passed"]


def _grouped(**groups: list[str]) -> DistillationSettings:
    return DistillationSettings.model_validate(_light().model_dump() | {"groups": groups})


def test_a_group_holds_its_own_tasks_only(bank: Bank, tmp_path: Path) -> None:
    settings = _grouped(first=[CHURN], rest=[NBA, COUNT])
    assert set(_students(bank.distil(tmp_path / "first", settings, "first"))) == {CHURN}
    assert set(_students(bank.distil(tmp_path / "rest", settings, "rest"))) == {NBA, COUNT}


def test_groups_change_no_student(bank: Bank, tmp_path: Path) -> None:
    """Rows are lent to one task after another; none leaves a trace in them."""
    alone = bank.distil(tmp_path / "alone", _grouped(one=[CHURN]), "one")
    among = bank.distil(tmp_path / "among", _light())
    text = f"students/{CHURN}.txt"
    assert _bytes(alone)[text] == _bytes(among)[text]


def test_an_unknown_group_is_refused_by_name(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no group 'nobody'"):
        bank.distil(tmp_path / "out", _light(), "nobody")


def test_an_example_without_a_prediction_stops_the_job(bank: Bank, tmp_path: Path) -> None:
    path = bank.teacher / "predictions" / "train.parquet"
    pq.write_table(pq.read_table(path).slice(3), path)
    with pytest.raises(ArtefactError, match="no prediction for 3 of"):
        bank.distil(tmp_path / "out", _light())


def test_a_prediction_without_an_example_stops_the_job(bank: Bank, tmp_path: Path) -> None:
    path = bank.teacher / "predictions" / "test.parquet"
    table = pq.read_table(path)
    strangers = pa.array([f"x{row}" for row in range(table.num_rows)])
    pq.write_table(table.set_column(0, "customer_id", strangers), path)
    with pytest.raises(ArtefactError, match="are no examples"):
        bank.distil(tmp_path / "out", _light())


def test_features_of_other_rows_stop_the_job(bank: Bank, tmp_path: Path) -> None:
    bank.rewrite("features", lambda part: part.slice(1))
    with pytest.raises(ArtefactError, match="do not hold the same rows"):
        bank.distil(tmp_path / "out", _light())


def test_an_empty_phase0_stops_the_job(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    with pytest.raises(ArtefactError, match="holds no parts"):
        read_folder(tmp_path / "examples")


def test_tasks_that_are_off_have_no_student(bank: Bank) -> None:
    assert {task.name for task in read_tasks(bank.phase0)} == set(ROUTES)


def test_missing_features_and_labels_are_read_as_missing(bank: Bank) -> None:
    rows = read_rows(bank.phase0, read_tasks(bank.phase0))
    gaps = np.isnan(rows.features[:, rows.columns.index("tenure_months")])
    assert 0.02 < gaps.mean() < 0.1
    assert np.isnan(rows.labels[CHURN][rows.split == "score"]).all()


def test_cold_customers_are_no_test_rows(bank: Bank) -> None:
    rows = read_rows(bank.phase0, read_tasks(bank.phase0))
    assert rows.cold[rows.split == "test"].any()
    assert not rows.cold[rows.of("test")].any()


@pytest.mark.parametrize(
    ("weights", "fault"), [([0.5, 1.0], "hard labels alone"), ([0.0, 1.5], "between 0 and 1")]
)
def test_soft_weights_hold_the_hard_label_and_stay_in_range(
    weights: list[float], fault: str
) -> None:
    with pytest.raises(ValidationError, match=fault):
        DistillationSettings.model_validate(_light().model_dump() | {"soft_weights": weights})
