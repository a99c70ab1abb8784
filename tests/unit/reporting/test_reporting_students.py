"""The student is judged on the very rows, references and resamples of the evaluation."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from configs.settings.run import load_run_settings
from tests.fixtures.label_reads import label_reads
from tests.fixtures.report_documents import (
    COLD,
    COUNT,
    DEPOSITS,
    GROUP,
    METRICS,
    PRIMARY,
    TEST,
)
from training_jobs.evaluation.judge import judge
from training_jobs.evaluation.ledger import Ledger
from training_jobs.ple.tasks import TaskSpec
from training_jobs.reporting.documents import Inputs, NotAvailable
from training_jobs.reporting.students import measure_students

SETTINGS = load_run_settings("synthetic", {"evaluation.bootstrap.replicates": 60}).evaluation


def inputs(folder: Path) -> Inputs:
    return Inputs({channel.name: channel for channel in folder.iterdir()})


def columns(folder: Path, split: str) -> dict[str, np.ndarray]:
    table = pq.read_table(folder / "phase0" / "examples" / "part-00000.parquet")
    found = {name: np.array(table[name].to_pylist()) for name in ("split", "cold", "customer_id")}
    found[f"y_{DEPOSITS}"] = np.array(table[f"y_{DEPOSITS}"].to_pylist(), dtype=np.float64)
    kept = (found["split"] == split) & ~found["cold"]
    return {name: values[kept] for name, values in found.items()}


def test_student_is_judged_as_the_evaluation_would(run_folder: Path) -> None:
    test, train = columns(run_folder, "test"), columns(run_folder, "train")
    assert len(test["customer_id"]) == TEST
    student = pq.read_table(run_folder / "distill" / GROUP / "predictions" / "test.parquet")
    by_customer = dict(
        zip(student["customer_id"].to_pylist(), student[DEPOSITS].to_pylist(), strict=True)
    )
    seen = train[f"y_{DEPOSITS}"][~np.isnan(train[f"y_{DEPOSITS}"])]
    rate = (seen.sum() + 1) / (len(seen) + 2)
    expected = judge(
        TaskSpec(DEPOSITS, "binary", "bce", 1.0, "g", ()),
        tuple(METRICS[DEPOSITS]),
        SETTINGS,
        labels=test[f"y_{DEPOSITS}"],
        customers=test["customer_id"],
        predictions={
            "teacher": np.array([by_customer[name] for name in test["customer_id"]]),
            "majority": np.full(TEST, rate),
        },
    )
    measured = measure_students(inputs(run_folder), SETTINGS, Ledger("report"))[DEPOSITS]
    assert measured.rows == expected.rows == TEST - 3, "masked and cold rows do not count"
    for metric in METRICS[DEPOSITS]:
        assert measured.metrics[metric] == expected.metrics[metric]["teacher"].plain(), metric


def test_student_that_is_its_teacher_differs_by_nothing(run_folder: Path) -> None:
    teacher = pq.read_table(run_folder / "teacher" / "predictions" / "test.parquet")
    order = np.random.default_rng(3).permutation(TEST + COLD)
    pq.write_table(
        teacher.take(order), run_folder / "distill" / GROUP / "predictions" / "test.parquet"
    )
    for task, measured in measure_students(inputs(run_folder), SETTINGS, Ledger("report")).items():
        assert set(measured.against_teacher) == set(METRICS[task])
        for found in measured.against_teacher.values():
            assert found == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_difference_is_teacher_minus_student(run_folder: Path) -> None:
    path = run_folder / "teacher" / "predictions" / "test.parquet"
    teacher = pq.read_table(path)
    place = teacher.column_names.index(DEPOSITS)
    worse = teacher[DEPOSITS].to_numpy()[::-1]
    pq.write_table(teacher.set_column(place, DEPOSITS, [worse]), path)
    measured = measure_students(inputs(run_folder), SETTINGS, Ledger("report"))[DEPOSITS]
    found = measured.against_teacher["auc"]
    assert None not in found.values()
    assert max(value for value in found.values() if value is not None) < 0


def test_task_without_student_is_left_out(run_folder: Path) -> None:
    measured = measure_students(inputs(run_folder), SETTINGS, Ledger("report"))
    assert set(measured) == {DEPOSITS, PRIMARY}
    assert COUNT not in measured


def test_row_without_a_prediction_is_no_measurement(run_folder: Path) -> None:
    path = run_folder / "distill" / GROUP / "predictions" / "test.parquet"
    table = pq.read_table(path)
    kept = [at for at, name in enumerate(table["customer_id"].to_pylist()) if name != "C00007"]
    pq.write_table(table.take(kept), path)
    with pytest.raises(NotAvailable, match=f"1 of {TEST} test rows have no prediction"):
        measure_students(inputs(run_folder), SETTINGS, Ledger("report"))


def test_the_ledger_tells_exactly_what_left_the_examples(run_folder: Path) -> None:
    ledger = Ledger("report")
    with label_reads() as reads:
        measure_students(inputs(run_folder), SETTINGS, ledger)
    found = {entry["split"]: set(entry["columns"]) for entry in ledger.plain()}
    assert set(found) == {"train", "test"}
    assert found == reads.columns
