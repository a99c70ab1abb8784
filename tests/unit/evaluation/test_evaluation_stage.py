"""The stage: test is read once and never routes, and a teacher that is broken stops the run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from configs.contracts.stages import STAGES, Stage
from configs.errors import ArtefactError
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import column, evaluate_stage, read, rewrite, set_column
from tests.unit.evaluation.judging import LENSES, pretend_to_teach, raw_settings
from tests.unit.teacher.teaching import layout_and_tasks, rows_of

CUSTOMERS = 160
Change = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="module")
def phase0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phase0(tmp_path_factory.mktemp("phase0"), customers=CUSTOMERS)


@pytest.fixture(scope="module")
def taught(phase0: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretend_to_teach(phase0, tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="module")
def evaluated(phase0: Path, taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluate_stage(phase0, taught, tmp_path_factory.mktemp("evaluate"), raw_settings())


def results(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return content


def checks(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "checks.json").read_text())["checks"]
    assert all(row["blocking"] for row in rows)
    return {row["name"]: row for row in rows}


def failed(folder: Path) -> set[str]:
    return {name for name, row in checks(folder).items() if not row["passed"]}


def test_a_sound_teacher_passes_the_checks_of_the_stages_contract(evaluated: Path) -> None:
    assert failed(evaluated) == set()
    assert set(STAGES[Stage.EVALUATE].checks) <= set(checks(evaluated))


def test_reported_metrics_are_those_of_the_files_on_warm_and_on_cold_test_rows(
    phase0: Path, taught: Path, evaluated: Path
) -> None:
    rows, table = rows_of(phase0, "test"), read(taught / "predictions", "test")
    names = [task.name for task in layout_and_tasks(phase0)[1]]
    for task, metric, function in (
        ("churn_signal", "auc", roc_auc_score),
        ("product_stability", "r2", r2_score),
    ):
        labels = rows.labels[:, names.index(task)].double().numpy()
        p, found = column(table, task), results(evaluated)["tasks"][task]
        warm = ~np.isnan(labels) & ~rows.cold
        assert found["rows"] == int(warm.sum())
        assert found["metrics"][metric]["teacher"]["value"] == pytest.approx(
            function(labels[warm], p[warm])
        )
        cold = ~np.isnan(labels) & rows.cold
        assert 0 < found["cold"]["rows"] == int(cold.sum()) < found["rows"]


def test_every_task_stands_beside_its_baselines(evaluated: Path) -> None:
    tasks = results(evaluated)["tasks"]
    assert "next_mcc" not in tasks
    for name, found in tasks.items():
        predictors = {"teacher", "majority", "lightgbm_hard"}
        if name in ("segment_prediction", "top_mcc_shift"):
            predictors.add("persistence")
        for metric, by_name in found["metrics"].items():
            assert set(by_name) == predictors, (name, metric)
            assert set(found["differences"][metric]) == predictors - {"teacher"}
        assert set(found["calibration"]) == {"teacher", "lightgbm_hard"}


def label_columns(phase0: Path) -> list[str]:
    return [f"y_{task.name}" for task in layout_and_tasks(phase0)[1]]


def test_each_read_of_labels_is_in_the_ledger_and_test_is_read_once(
    phase0: Path, evaluated: Path
) -> None:
    ledger = results(evaluated)["ledger"]
    assert [entry["split"] for entry in ledger] == ["train", "selection", "calibration", "test"]
    for entry in ledger:
        assert entry["reader"] == "evaluate"
        assert entry["columns"] == label_columns(phase0)
    assert ledger[-1]["purpose"] == "judge"


def test_the_ledger_tells_what_is_read_from_the_files(
    phase0: Path, taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels of test leave each part once, and alone."""
    reads: list[tuple[str, set[str]]] = []
    read_table = pq.read_table

    def watched(path: Any, **more: Any) -> pa.Table:
        table = read_table(path, **more)
        if any(name.startswith("y_") for name in table.column_names):
            # Which rows these are is not among the columns, so it is looked up by key.
            keys = read_table(path, columns=["customer_id", "as_of", "split"]).to_pylist()
            split = {(row["customer_id"], row["as_of"]): row["split"] for row in keys}
            given = table.select(["customer_id", "as_of"]).to_pylist()
            reads.append((Path(path).name, {split[tuple(row.values())] for row in given}))
        return table

    monkeypatch.setattr("training_jobs.evaluation.frame.pq.read_table", watched)
    evaluate_stage(phase0, taught, tmp_path, raw_settings())
    parts = sorted(path.name for path in (phase0 / "examples").iterdir())
    assert sorted(name for name, splits in reads if "test" in splits) == parts
    assert all(len(splits) == 1 for _, splits in reads)
    assert len(reads) == 4 * len(parts)


def test_routes_do_not_depend_on_test_labels(
    phase0: Path, taught: Path, evaluated: Path, tmp_path: Path
) -> None:
    changed = write_phase0(tmp_path / "phase0", customers=CUSTOMERS)
    rng = np.random.default_rng(9)

    def mutate(table: pa.Table) -> pa.Table:
        test = np.array(table["split"].to_pylist()) == "test"
        for name in label_columns(changed):
            table = set_column(table, name, rng.permutation, test)
        return table

    rewrite(changed / "examples", mutate)
    after = evaluate_stage(changed, taught, tmp_path / "evaluate", raw_settings())
    one, other = results(evaluated)["tasks"], results(after)["tasks"]
    for task, found in one.items():
        for key in ("route", "route_reason"):
            assert found[key] == other[task][key], task
    aucs = [found["churn_signal"]["metrics"]["auc"]["teacher"]["value"] for found in (one, other)]
    assert abs(aucs[0] - aucs[1]) > 0.05, "or the labels were not mutated"
    assert {"DISTILL", "RULES"} <= {found["route"] for found in one.values()}


def test_routes_do_depend_on_the_routing_labels(phase0: Path, taught: Path, tmp_path: Path) -> None:
    changed = write_phase0(tmp_path / "phase0", customers=CUSTOMERS)

    def turn(table: pa.Table) -> pa.Table:
        routing = np.isin(table["split"].to_pylist(), ["selection", "calibration"])
        return set_column(table, "y_churn_signal", lambda values: 1 - values, routing)

    rewrite(changed / "examples", turn)
    after = evaluate_stage(changed, taught, tmp_path / "evaluate", raw_settings())
    assert results(after)["tasks"]["churn_signal"]["route"] != "DISTILL"


def broken(
    phase0: Path, folder: Path, change: Change, *, kind: str = "predictions", split: str = "*"
) -> Path:
    """Evaluate a teacher whose files of a kind are changed, and return the output."""
    taught = pretend_to_teach(phase0, folder / "teacher")
    for path in (taught / kind).glob(f"{split}.parquet"):
        pq.write_table(change(pq.read_table(path)), path)
    return evaluate_stage(phase0, taught, folder / "evaluate", raw_settings())


def constant(name: str) -> Change:
    def change(table: pa.Table) -> pa.Table:
        first = table[name][0].as_py()
        same = pa.array([first] * len(table), type=table.schema.field(name).type)
        return table.set_column(table.column_names.index(name), name, same)

    return change


def spoiled(name: str, value: float) -> Change:
    """One row of a warm customer alone."""

    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        at = table["cold"].to_pylist().index(False)
        row = values[at]
        values[at] = [value, *row[1:]] if isinstance(row, list) else value
        column = pa.array(values, type=table.schema.field(name).type)
        return table.set_column(table.column_names.index(name), name, column)

    return change


def without(name: str) -> Change:
    return lambda table: table.drop_columns([name])


@pytest.mark.parametrize("task", ["churn_signal", "nba_primary", "cross_sell_count"])
def test_a_constant_teacher_fails(phase0: Path, tmp_path: Path, task: str) -> None:
    """Also where its task would not be distilled: a constant never is."""
    folder = broken(phase0, tmp_path, constant(task))
    assert failed(folder) == {"no_constant_teacher"}
    assert task in checks(folder)["no_constant_teacher"]["detail"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("task", ["churn_signal", "nba_primary"])
def test_a_teacher_that_is_not_finite_on_one_test_row_fails(
    phase0: Path, tmp_path: Path, task: str, value: float
) -> None:
    folder = broken(phase0, tmp_path, spoiled(task, value), split="test")
    assert failed(folder) == {"teacher_finite", "every_task_evaluated"}
    found = results(folder)["tasks"][task]["metrics"]
    assert all(by["teacher"]["value"] is None for by in found.values())
    assert all(by["lightgbm_hard"]["value"] is not None for by in found.values())


@pytest.mark.parametrize("split", ["train", "selection", "calibration"])
def test_a_teacher_that_is_not_finite_on_rows_that_students_learn_from_fails(
    phase0: Path, tmp_path: Path, split: str
) -> None:
    folder = broken(phase0, tmp_path, spoiled("churn_signal", float("nan")), split=split)
    assert failed(folder) == {"teacher_finite"}


@pytest.mark.parametrize("split", ["selection", "calibration"])
def test_a_teacher_that_is_not_finite_is_not_distilled(
    phase0: Path, tmp_path: Path, split: str
) -> None:
    folder = broken(phase0, tmp_path, spoiled("churn_signal", float("nan")), split=split)
    assert results(folder)["tasks"]["churn_signal"]["route"] != "DISTILL"


def test_a_task_that_the_teacher_does_not_predict_fails(phase0: Path, tmp_path: Path) -> None:
    folder = broken(phase0, tmp_path, without("will_acquire_payments"))
    assert {"every_task_evaluated", "teacher_finite"} <= failed(folder)
    assert "will_acquire_payments" in checks(folder)["every_task_evaluated"]["detail"]


def test_predictions_of_other_rows_are_refused(phase0: Path, tmp_path: Path) -> None:
    def turned(table: pa.Table) -> pa.Table:
        return table.take(list(reversed(range(len(table)))))

    with pytest.raises(ArtefactError, match="test"):
        broken(phase0, tmp_path, turned, split="test")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(spoiled("churn_signal", 2.0), id="sum is not one"),
        pytest.param(spoiled("churn_signal", float("nan")), id="not a number"),
        pytest.param(without("churn_signal"), id="task without shares"),
    ],
)
def test_shares_that_are_no_shares_fail(phase0: Path, tmp_path: Path, change: Change) -> None:
    folder = broken(phase0, tmp_path, change, kind="gates", split="test")
    assert failed(folder) == {"gate_shares_sum_to_one"}


def test_negative_shares_fail_although_they_sum_to_one(phase0: Path, tmp_path: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        values = table["churn_signal"].to_pylist()
        values[0] = [1.5, -0.5, 0.0, 0.0]
        column = pa.array(values, type=pa.list_(pa.float32()))
        at = table.column_names.index("churn_signal")
        return table.set_column(at, "churn_signal", column)

    folder = broken(phase0, tmp_path, change, kind="gates", split="test")
    assert failed(folder) == {"gate_shares_sum_to_one"}


def test_a_teacher_too_good_to_be_true_fails_as_a_leak(phase0: Path, tmp_path: Path) -> None:
    _, tasks = layout_and_tasks(phase0)
    names = [task.name for task in tasks]

    def know(table: pa.Table) -> pa.Table:
        labels = rows_of(phase0, "test").labels[:, names.index("churn_signal")].double().numpy()
        known = np.where(np.isnan(labels), 0.5, 0.1 + 0.8 * labels)
        at = table.column_names.index("churn_signal")
        return table.set_column(at, "churn_signal", pa.array(known))

    folder = broken(phase0, tmp_path, know, split="test")
    assert failed(folder) == {"leak_alarm_auc"}
    assert "churn_signal" in checks(folder)["leak_alarm_auc"]["detail"]


def test_when_no_task_clears_its_bounds_the_run_stops(
    phase0: Path, taught: Path, tmp_path: Path
) -> None:
    chosen = raw_settings()
    for kind in ("binary", "multiclass", "regression"):
        chosen["routes"][kind] |= {"viable": 0.99, "floor": 0.99}
    folder = evaluate_stage(phase0, taught, tmp_path, chosen)
    assert {row["route"] for row in results(folder)["tasks"].values()} == {"RULES"}
    assert failed(folder) == {"some_task_served"}


def test_gates_are_summarised_by_task_and_lens(taught: Path, evaluated: Path) -> None:
    shares = column(read(taught / "gates", "test"), "churn_signal")
    found = results(evaluated)
    assert found["lenses"] == list(LENSES)
    assert found["gates"]["mean"]["churn_signal"] == pytest.approx(shares.mean(axis=0).tolist())
    assert found["gates"]["std"]["churn_signal"] == pytest.approx(shares.std(axis=0).tolist())


def test_two_evaluations_give_the_same_bytes(
    phase0: Path, taught: Path, evaluated: Path, tmp_path: Path
) -> None:
    again = evaluate_stage(phase0, taught, tmp_path, raw_settings())
    for name in ("evaluation.json", "checks.json"):
        assert (again / name).read_bytes() == (evaluated / name).read_bytes()
