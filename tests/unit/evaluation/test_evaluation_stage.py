"""The stage: reports are those of the files, test is read once and never routes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from configs.contracts.stages import STAGES, Stage
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import column, evaluate_stage, read, rewrite, set_column
from tests.unit.evaluation.judging import (
    CUSTOMERS,
    LENSES,
    checks,
    failed,
    raw_settings,
    results,
)
from tests.unit.teacher.teaching import layout_and_tasks, rows_of


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
