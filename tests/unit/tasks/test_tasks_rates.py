"""Base rates by split and month, and the record of who counted them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.unit.data.tiny import MONTHS, Bank, settings
from tests.unit.tasks.labelling import LENIENT_GATE, label, tasks
from training_jobs.data.rates import rates_by_month

SPLITS = {
    "train": ["2023-11", "2023-12"],
    "validation": ["2024-02"],
    "test": ["2024-05"],
    "gap_days": 0,
}
MULTICLASS = {"segment_prediction", "nba_primary", "next_mcc"}


def _bank() -> Bank:
    bank = Bank()
    bank.filler()
    for number in range(12):
        opened = MONTHS[6 + number % 3 :]  # December, January or February
        kinds = ["food", "fuel", "rent", "play"]
        events = [
            (f"{month[:7]}-{day:02d} 10:00:00", kinds[(number + day + place) % 4])
            for place, month in enumerate(MONTHS)
            for day in range(1, 4 + number % 3)
        ]
        segments = [("low", "mid", "high")[(number + place) % 3] for place in range(15)]
        bank.add(
            f"c{number}",
            segments=segments,
            held={"current": MONTHS, "term": opened},
            events=events,
        )
    return bank


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Any]:
    return label(
        _bank(),
        tmp_path_factory.mktemp("rates"),
        dataset=settings(horizon_months=1, splits=SPLITS, shards=2),
        chosen=tasks(cold_per_mille=200, gate=LENIENT_GATE | {"min_class_rows": 4}),
    )


def test_every_month_of_every_split_is_counted_as_the_rows_say(
    labelled: tuple[list[dict[str, Any]], Any],
) -> None:
    rows, report = labelled
    assert set(report["tasks"][0]["by_as_of"]["train"]) == {"2023-11-30", "2023-12-31"}
    for task in report["tasks"]:
        name = task["name"]
        for split, by_month in task["by_as_of"].items():
            of_split = [
                row
                for row in rows
                if row["split"] == ("test" if split == "cold" else split)
                and row["cold"] == (split == "cold")
            ]
            assert set(by_month) == {row["as_of"].isoformat() for row in of_split}
            for as_of, found in by_month.items():
                month = [row for row in of_split if row["as_of"].isoformat() == as_of]
                values = [row[f"y_{name}"] for row in month if row[f"y_{name}"] is not None]
                assert found["examples"] == len(month)
                assert found["rows"] == len(values)
                if name in MULTICLASS:
                    counted = Counter(values)
                    assert found["mean"] is None
                    assert found["classes"] == [
                        counted[float(place)] for place in range(len(task["classes"]))
                    ]
                elif values:
                    assert found["mean"] == pytest.approx(sum(values) / len(values))


def test_months_of_a_split_add_up_to_the_split(
    labelled: tuple[list[dict[str, Any]], Any],
) -> None:
    for task in labelled[1]["tasks"]:
        for split, whole in task["counts"].items():
            months = task["by_as_of"][split].values()
            assert sum(month["rows"] for month in months) == whole["rows"]
            if whole["classes"]:
                classes = [month["classes"] for month in months]
                assert [sum(column) for column in zip(*classes, strict=True)] == whole["classes"]
            if task["type"] == "binary":
                assert sum(month["positives"] for month in months) == whole["positives"]


def test_a_rate_that_moves_within_train_is_seen_by_month(
    labelled: tuple[list[dict[str, Any]], Any],
) -> None:
    task = next(t for t in labelled[1]["tasks"] if t["name"] == "will_acquire_deposits")
    december, january = (
        task["by_as_of"]["train"][as_of]["mean"] for as_of in ("2023-11-30", "2023-12-31")
    )
    # A third opens in December; of the rest, half in January: masked are those who hold it.
    assert december < january


def test_the_gates_own_counting_of_test_labels_is_on_record(
    labelled: tuple[list[dict[str, Any]], Any],
) -> None:
    ledger = labelled[1]["ledger"]
    assert [entry["split"] for entry in ledger] == ["train", "selection", "calibration", "test"]
    test = ledger[-1]
    assert test["reader"] == "phase0"
    assert test["columns"] == [f"y_{task['name']}" for task in labelled[1]["tasks"]]
    assert "chooses nothing" in test["purpose"]


def test_months_do_not_depend_on_the_shards(tmp_path: Path) -> None:
    reports = [
        label(
            _bank(),
            tmp_path / str(shards),
            dataset=settings(horizon_months=1, splits=SPLITS, shards=shards),
        )[1]
        for shards in (1, 3)
    ]
    assert reports[0] == reports[1]


def test_the_check_of_a_data_set_tells_the_rates_by_month(
    labelled: tuple[list[dict[str, Any]], Any],
) -> None:
    tasks_ = labelled[1]["tasks"]
    lines = rates_by_month(tasks_)
    head, *rows = [line for line in lines if line]
    assert "train 2023-11" in head
    assert "train 2023-12" in head
    assert len(rows) == 13
    deposits = next(t for t in tasks_ if t["name"] == "will_acquire_deposits")
    (shown,) = [row for row in rows if row.startswith("will_acquire_deposits")]
    wanted = [
        f"{month['mean']:.4f}"
        for by_month in deposits["by_as_of"].values()
        for month in by_month.values()
        if month["mean"] is not None
    ]
    assert shown.split()[1:] == wanted
    primary = next(t for t in tasks_ if t["name"] == "nba_primary")
    (shown,) = [row for row in rows if row.startswith("nba_primary")]
    first = primary["by_as_of"]["train"]["2023-11-30"]
    assert shown.split()[1] == f"{max(first['classes']) / first['rows']:.4f}"
