"""The viability gate: minima, coverage, drift, merged classes, and the reasons it gives."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from configs.settings.tasks import TasksSettings
from tests.unit.data.tiny import MONTHS, Bank, settings
from tests.unit.tasks.labelling import LENIENT_GATE, label, tasks
from training_jobs.tasks import categories, products, segments
from training_jobs.tasks.base import LabelFit, Setting
from training_jobs.tasks.gate import GATED_SPLITS, Tally, informative, judge, merge_classes

REGISTERING = (categories, products, segments)
GATE = LENIENT_GATE | {
    "minima": {"train": 100, "selection": 25, "calibration": 25, "test": 50},
    "min_coverage": 0.1,
    "min_class_rows": 30,
    "max_rate_ratio": 4.0,
}


def _judge(values: dict[str, dict[float, int]], *, task: str, rows: int = 1000) -> dict[str, Any]:
    """Return the gate's entry for one task with the given label counts by split."""
    chosen: TasksSettings = tasks(gate=GATE)
    chosen = chosen.model_copy(
        update={"tasks": tuple(entry for entry in chosen.tasks if entry.name == task)}
    )
    tally = Tally()
    for split in (*GATED_SPLITS, "cold"):
        tally.rows[split] = rows
        tally.values[(task, split)] = Counter(values.get(split, {}))
    setting = Setting(settings(), LabelFit(("food", "fuel", "rent")))
    return judge(tally, setting, chosen)["tasks"][0]


ENOUGH = {
    "train": {1.0: 100, 0.0: 900},
    "selection": {1.0: 25, 0.0: 400},
    "calibration": {1.0: 25, 0.0: 400},
    "test": {1.0: 50, 0.0: 900},
}


def test_minima_are_inclusive() -> None:
    entry = _judge(ENOUGH, task="churn_signal")
    assert (entry["status"], entry["reason"]) == ("on", None)
    assert entry["counts"]["train"] == {
        "rows": 1000, "positives": 100, "classes": None, "mean": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize("split", GATED_SPLITS)
def test_one_positive_too_few_switches_off_and_says_where(split: str) -> None:
    values = ENOUGH | {split: {1.0: ENOUGH[split][1.0] - 1, 0.0: 900}}
    entry = _judge(values, task="churn_signal")
    assert entry["status"] == "off"
    assert entry["reason"].startswith(f"{split} has {ENOUGH[split][1.0] - 1} rows")
    assert f"{ENOUGH[split][1.0]} are needed" in entry["reason"]


def test_too_few_negatives_count_as_well() -> None:
    entry = _judge(ENOUGH | {"test": {1.0: 900, 0.0: 49}}, task="churn_signal")
    assert entry["status"] == "off"


def test_low_coverage_switches_off() -> None:
    entry = _judge(ENOUGH, task="churn_signal", rows=100_000)
    assert entry["status"] == "off"
    assert "labelled" in entry["reason"]


def test_drift_of_the_base_rate_switches_off() -> None:
    entry = _judge(ENOUGH | {"test": {1.0: 450, 0.0: 450}}, task="churn_signal")
    assert entry["status"] == "off"
    assert "drifts" in entry["reason"]


def test_a_regression_that_hardly_varies_is_off() -> None:
    flat = {split: {1.0: 1000, 0.5: 20} for split in GATED_SPLITS}
    assert _judge(flat, task="product_stability")["status"] == "off"
    varied = {split: {1.0: 800, 0.5: 200} for split in GATED_SPLITS}
    entry = _judge(varied, task="product_stability")
    assert entry["status"] == "on"
    assert entry["counts"]["test"]["mean"] == pytest.approx(0.9)


def test_small_classes_become_one_of_at_least_thirty_rows() -> None:
    # food 500, fuel 200, rent 20, other 5: rent and other are 25 together, so fuel joins them.
    counts = {0.0: 500, 1.0: 200, 2.0: 20, 3.0: 5}
    entry = _judge(dict.fromkeys(GATED_SPLITS, counts), task="next_mcc")
    assert entry["classes"] == ["food", "other"]
    assert entry["merged"] == ["fuel", "rent", "other"]
    assert entry["counts"]["train"]["classes"] == [500, 225]
    # With 30 rows together they are a class of their own.
    entry = _judge({split: counts | {2.0: 25} for split in GATED_SPLITS}, task="next_mcc")
    assert entry["classes"] == ["food", "fuel", "other"]
    assert entry["merged"] == ["rent", "other"]
    assert entry["status"] == "on"


def test_a_large_class_of_the_rest_takes_the_small_ones_in() -> None:
    # Two classes called "other" could not be told apart in an answer.
    counts = {0.0: 500, 1.0: 200, 2.0: 20, 3.0: 300}
    entry = _judge(dict.fromkeys(GATED_SPLITS, counts), task="next_mcc")
    assert entry["classes"] == ["food", "fuel", "other"]
    assert entry["merged"] == ["rent", "other"]
    assert entry["counts"]["train"]["classes"] == [500, 200, 320]
    entry = _judge({split: counts | {2.0: 40} for split in GATED_SPLITS}, task="next_mcc")
    assert entry["classes"] == ["food", "fuel", "rent", "other"]


def test_large_classes_keep_their_order() -> None:
    counts = {0.0: 40, 1.0: 300, 2.0: 200, 3.0: 100}
    chosen = tasks(gate=GATE)
    tally = Tally()
    tally.values[("next_mcc", "train")] = Counter(counts)
    merges = merge_classes(tally, Setting(settings(), LabelFit(("a", "b", "c"))), chosen)
    assert merges["next_mcc"].labels == ("a", "b", "c", "other")
    assert not merges["next_mcc"].changes


def test_informative_rows() -> None:
    by_name = {task.name: task for task in tasks().tasks}
    assert informative(by_name["churn_signal"], Counter({1.0: 7, 0.0: 3})) == 3
    assert informative(by_name["nba_primary"], Counter({0.0: 7, 2.0: 3, 3.0: 1})) == 4
    assert informative(by_name["product_stability"], Counter({1.0: 7, 0.3: 3})) == 3
    assert informative(by_name["churn_signal"], Counter()) == 0


def test_merged_classes_are_renumbered_in_the_examples_and_the_baseline(tmp_path: Path) -> None:
    bank = Bank()
    bank.filler()
    for number in range(12):
        bank.add(f"low{number}", segments=["low"] * 15)
        bank.add(f"high{number}", segments=["high"] * 15)
    bank.add("middle", segments=["mid"] * 15)
    gate = LENIENT_GATE | {"min_class_rows": 5}
    rows, report = label(bank, tmp_path, chosen=tasks(gate=gate))
    task = next(task for task in report["tasks"] if task["name"] == "segment_prediction")
    # `mid` has one row; `high`, the smaller of the others, joins it.
    assert task["classes"] == ["low", "other"]
    for row in rows:
        if row["split"] != "score":
            wanted = 0.0 if row["customer_id"].startswith(("low", "filler")) else 1.0
            assert row["y_segment_prediction"] == row["b_segment"] == wanted


def test_a_data_set_without_the_inputs_has_the_task_off_and_null(tmp_path: Path) -> None:
    bank = Bank()
    bank.filler()
    tables = settings().model_dump(mode="json")["tables"]
    del tables["holdings"]
    rows, report = label(bank, tmp_path / "a", dataset=settings(tables=tables))
    off = {task["name"]: task["reason"] for task in report["tasks"] if task["status"] == "off"}
    assert off["nba_primary"] == "the data set has no holdings"
    assert off["product_stability"] == "the data set has no holdings"
    assert all(row["y_nba_primary"] is None for row in rows)
    # Churn then reads activity: the filler spends in every month.
    assert [row["y_churn_signal"] for row in rows if row["split"] == "train"] == [0.0]

    del tables["transactions"], tables["customer_months"]
    tables["holdings"] = settings().model_dump(mode="json")["tables"]["holdings"]
    _, report = label(bank, tmp_path / "b", dataset=settings(tables=tables, segments=[]))
    reasons = {task["name"]: task["reason"] for task in report["tasks"]}
    assert reasons["next_mcc"] == "the data set has no transactions"
    assert reasons["segment_prediction"] == "the data set has no customer_months"


def test_transactions_alone_are_enough_for_the_category_tasks(tmp_path: Path) -> None:
    bank = Bank()
    bank.filler()
    bank.add("new", events=[(f"{month[:7]}-10 10:00:00", "fuel") for month in MONTHS[2:]])
    tables = settings().model_dump(mode="json")["tables"]
    del tables["holdings"], tables["customer_months"]
    rows, _ = label(bank, tmp_path, dataset=settings(tables=tables, catalogue=None, segments=[]))
    # `new` has four months at the train as_of, seven at the validation one.
    assert {row["customer_id"] for row in rows if row["split"] == "train"} == {"filler"}
    assert {row["customer_id"] for row in rows if row["split"] == "test"} == {"filler", "new"}
    assert all(row["y_next_mcc"] is not None for row in rows if row["split"] != "score")
