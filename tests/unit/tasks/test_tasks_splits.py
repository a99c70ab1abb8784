"""Splits: windows do not meet, cold customers are never trained on, halves are disjoint, and
labels do not move when anything outside their window does."""

import hashlib
import random
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.data.tiny import MONTHS, Bank, settings
from tests.unit.tasks.labelling import label, tasks
from training_jobs.tasks.spine import hash_sql

AS_OF = date(2023, 11, 30)
SPLITS = {"train", "selection", "calibration", "test", "score"}


def _crowd(customers: int, seed: int = 5) -> Bank:
    """Return a bank of random customers with holdings and events in every month."""
    chance = random.Random(seed)
    bank = Bank()
    bank.filler()
    for number in range(customers):
        held = {
            product: [month for month in MONTHS if chance.random() < 0.5]
            for product in ("current", "savings", "term", "fund", "loan", "card")
        }
        events = []
        for month in MONTHS:
            for _ in range(chance.randrange(6)):
                day = chance.randint(1, int(month[8:]))
                hour = chance.choice(("00:00:00", "12:30:00", "23:59:59"))
                stamp = f"{month[:7]}-{day:02d} {hour}"
                events.append((stamp, chance.choice(("food", "fuel", "rent", "play"))))
        segments = [chance.choice(("low", "mid", "high")) for _ in MONTHS]
        bank.add(f"c{number:03d}", segments=segments, held=held, events=events)
    return bank


def _labels(rows: list[dict[str, Any]], as_of: date) -> dict[str, dict[str, Any]]:
    return {
        row["customer_id"]: {key: row[key] for key in row if key.startswith(("y_", "b_"))}
        for row in rows
        if row["as_of"] == as_of
    }


def _share(salt: str, purpose: str, customer: str, divisor: int) -> int:
    """MD5, lower 64 bits, as DuckDB's md5_number_lower reads them."""
    digest = hashlib.md5(f"{salt}:{purpose}:{customer}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % divisor


def test_cold_customers_are_in_test_and_score_alone_and_marked(tmp_path: Path) -> None:
    chosen = tasks(cold_per_mille=300)
    rows, report = label(_crowd(80), tmp_path, chosen=chosen)
    by_customer = {row["customer_id"]: row["cold"] for row in rows}
    assert len({(row["customer_id"], row["cold"]) for row in rows}) == len(by_customer)
    for customer, cold in by_customer.items():
        assert cold == (_share(chosen.salt, "cold", customer, 1000) < 300)
    cold_rows = [row for row in rows if row["cold"]]
    assert 10 < len({row["customer_id"] for row in cold_rows}) < 45
    assert {row["split"] for row in cold_rows} == {"test", "score"}
    assert {row["split"] for row in rows} == SPLITS
    assert report["rows"]["cold"] == sum(row["split"] == "test" for row in cold_rows)
    assert report["rows"]["test"] == sum(row["split"] == "test" and not row["cold"] for row in rows)


def test_categories_of_cold_customers_and_of_later_do_not_reach_the_classes(tmp_path: Path) -> None:
    chosen = tasks(cold_per_mille=300)
    cold = next(
        name
        for name in (f"x{n}" for n in range(99))
        if _share(chosen.salt, "cold", name, 1000) < 300
    )
    warm = next(
        name
        for name in (f"x{n}" for n in range(99))
        if _share(chosen.salt, "cold", name, 1000) >= 300
    )
    bank = _crowd(30)
    bank.events = [event for event in bank.events if event[3] == "debit" and event[4] != "rent"]
    bank.add(cold, events=[("2023-08-10 10:00:00", "salary")] * 50)
    bank.add(warm, events=[("2023-12-10 10:00:00", "rent")] * 50)
    _, report = label(bank, tmp_path, chosen=chosen)
    task = next(task for task in report["tasks"] if task["name"] == "next_mcc")
    assert set(task["classes"]) == {"food", "fuel", "play", "other"}


def test_halves_and_folds_follow_the_customer_not_the_row(tmp_path: Path) -> None:
    chosen = tasks(folds=3)
    rows, _ = label(_crowd(60), tmp_path, chosen=chosen)
    selection = {row["customer_id"] for row in rows if row["split"] == "selection"}
    calibration = {row["customer_id"] for row in rows if row["split"] == "calibration"}
    assert selection
    assert calibration
    assert not selection & calibration
    for row in rows:
        assert row["fold"] == _share(chosen.salt, "fold", row["customer_id"], 3)
    assert {row["fold"] for row in rows} == {0, 1, 2}
    assert "md5" in hash_sql("salt", "fold", 3)


def test_rows_are_sorted_and_unique(tmp_path: Path) -> None:
    rows, _ = label(_crowd(20), tmp_path)
    keys = [(row["customer_id"], row["as_of"]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_history_and_joining_decide_who_is_an_example(tmp_path: Path) -> None:
    bank = Bank()
    bank.filler()
    bank.add("five", months=MONTHS[1:], segments=["low"] * 14)  # 5 months at the train as_of
    bank.add("six", months=MONTHS, segments=["low"] * 15)
    bank.add("joins", joined="2023-12-01")
    bank.add("joined", joined="2023-11-30")
    bank.add("gone", months=MONTHS[:5], segments=["low"] * 5)
    rows, _ = label(bank, tmp_path)
    trained = {row["customer_id"] for row in rows if row["split"] == "train"}
    assert trained == {"filler", "six", "joined"}
    assert {row["customer_id"] for row in rows if row["split"] == "test"} == {
        "filler", "six", "joined", "joins", "five",
    }  # fmt: skip


def test_label_windows_end_before_the_next_splits_as_of(tmp_path: Path) -> None:
    rows, _ = label(_crowd(10), tmp_path)
    order = ("train", "selection", "test", "score")
    dates = {split: [row["as_of"] for row in rows if row["split"] == split] for split in order}
    for earlier, later in pairwise(order):
        assert max(dates[earlier]) + timedelta(days=85) < min(dates[later])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    rows, _ = label(_crowd(40), tmp_path_factory.mktemp("original"))
    return _labels(rows, AS_OF)


def _inside(day: str) -> bool:
    return "2023-11-30" < day[:10] <= "2024-02-29"


def _later(day: str) -> bool:
    return day[:10] > "2024-02-29"


def test_nothing_after_the_window_moves_a_label(
    tmp_path: Path, original: dict[str, dict[str, Any]]
) -> None:
    bank = _crowd(40)
    bank.held = [row for row in bank.held if not _later(row[1]) or row[0] == "filler"]
    bank.months = [
        (who, month, "high" if _later(month) else segment, income)
        for who, month, segment, income in bank.months
    ]
    bank.events = [
        (who, stamp, "99.99" if _later(stamp) else amount, way, "rent" if _later(stamp) else kind)
        for who, stamp, amount, way, kind in bank.events
    ]
    rows, _ = label(bank, tmp_path)
    assert _labels(rows, AS_OF) == original


def test_the_window_does_move_labels(tmp_path: Path, original: dict[str, dict[str, Any]]) -> None:
    bank = _crowd(40)
    bank.held = [row for row in bank.held if not _inside(row[1]) or row[0] == "filler"]
    bank.months = [
        (who, month, "high" if _inside(month) else segment, income)
        for who, month, segment, income in bank.months
    ]
    bank.events = [
        (who, stamp, amount, way, "rent" if _inside(stamp) else kind)
        for who, stamp, amount, way, kind in bank.events
    ]
    rows, _ = label(bank, tmp_path)
    changed = _labels(rows, AS_OF)
    for task in (task.name for task in tasks().tasks):
        values = [row[f"y_{task}"] for row in original.values()]
        assert [row[f"y_{task}"] for row in changed.values()] != values, task
    # What baselines read lies before the window and has not moved.
    for customer, row in original.items():
        assert {k: v for k, v in row.items() if k[0] == "b" and k != "b_segment"} == {
            k: v for k, v in changed[customer].items() if k[0] == "b" and k != "b_segment"
        }


def test_labels_do_not_depend_on_the_shards(
    tmp_path: Path, original: dict[str, dict[str, Any]]
) -> None:
    rows, one = label(_crowd(40), tmp_path / "four", dataset=settings(shards=4))
    assert _labels(rows, AS_OF) == original
    _, again = label(_crowd(40), tmp_path / "one", dataset=settings(shards=1))
    assert one == again


def test_examples_are_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        label(_crowd(15), tmp_path / name, dataset=settings(shards=2))
    first, second = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in sorted((tmp_path / name / "phase0").rglob("*.*"))
        }
        for name in ("a", "b")
    )
    assert len(first) == 3
    assert first == second
