"""A teacher that is constant, not finite, incomplete or too good stops the run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.errors import ArtefactError
from tests.fixtures.training_stages import evaluate_stage
from tests.unit.evaluation.judging import (
    checks,
    failed,
    pretend_to_teach,
    raw_settings,
    results,
)
from tests.unit.teacher.teaching import layout_and_tasks, rows_of

Change = Callable[[pa.Table], pa.Table]


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
