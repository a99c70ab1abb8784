"""All 13 labels of a random bank against their definitions written out in plain Python.

The definitions are those of the specification's table, over sets and lists of one customer.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from configs.settings.months import month_end, shift
from tests.unit.data.tiny import CATALOGUE, MONTHS, Bank, settings
from tests.unit.tasks.labelling import label, tasks

PRODUCTS = {row["product"]: row["group"] for row in CATALOGUE["products"]}
GROUPS = [row["group"] for row in CATALOGUE["groups"]]
SEGMENTS = ("low", "mid", "high")
HORIZON = settings().horizon_months
CUSTOMERS = 120


@dataclass
class Customer:
    """What a bank knows of one customer."""

    held: dict[date, set[str]]
    segments: dict[date, str]
    events: list[tuple[datetime, str]] = field(default_factory=list)


def _crowd(seed: int) -> tuple[Bank, dict[str, Customer]]:
    chance = random.Random(seed)
    bank, people = Bank(), {}
    bank.filler()
    for number in range(CUSTOMERS):
        keeps = chance.choice((0.02, 0.5, 0.95))
        held = {p: [m for m in MONTHS if chance.random() < keeps] for p in PRODUCTS}
        segments = [chance.choice(SEGMENTS) for _ in MONTHS]
        lively = chance.choice((0, 1, 4, 8))
        events = []
        for month in MONTHS:
            for _ in range(chance.randint(0, lively)):
                # Few stamps, so that many are equal, and window edges among them.
                day = chance.choice((1, 15, int(month[8:])))
                clock = chance.choice(("00:00:00", "12:00:00", "23:59:59"))
                kind = chance.choice(("food", "food", "fuel", "rent", "play"))
                events.append((f"{month[:7]}-{day:02d} {clock}", kind))
        name = f"c{number:03d}"
        bank.add(name, segments=segments, held=held, events=events)
        people[name] = Customer(
            held={date.fromisoformat(m): {p for p, at in held.items() if m in at} for m in MONTHS},
            segments={date.fromisoformat(m): s for m, s in zip(MONTHS, segments, strict=True)},
            events=[(datetime.fromisoformat(stamp), kind) for stamp, kind in events],
        )
    return bank, people


def _top(events: Sequence[tuple[datetime, str]]) -> str:
    """Most frequent category; ties go to the most recent, then by code."""
    count, latest = Counter(kind for _, kind in events), {kind: at for at, kind in sorted(events)}
    best = max((n, latest[kind]) for kind, n in count.items())
    return min(kind for kind, n in count.items() if (n, latest[kind]) == best)


def _labels(who: Customer, as_of: date, classes: Sequence[str]) -> dict[str, float | None]:
    def ends(*steps: int) -> list[date]:
        return [shift(as_of, step) for step in steps]

    window = ends(*range(1, HORIZON + 1))
    prior = [len(who.held.get(month, ())) for month in ends(*range(-5, 1))]
    course = [len(who.held[month]) for month in (as_of, *window)]
    mean = sum(course) / len(course)
    sd = math.sqrt(sum((count - mean) ** 2 for count in course) / len(course))
    owned = who.held[as_of]
    gained: list[str] = []  # in order of month, within a month in the order of the catalogue
    for month in window:
        gained += [p for p in PRODUCTS if p in who.held[month] - owned and p not in gained]
    day = timedelta(days=1)
    midnight = datetime.combine(as_of + day, datetime.min.time())
    until = datetime.combine(window[-1] + day, datetime.min.time())
    since = datetime.combine(shift(as_of, -HORIZON) + day, datetime.min.time())
    after = [row for row in who.events if midnight <= row[0] < until]
    before = [row for row in who.events if since <= row[0] < midnight]
    both = len(after) >= 5 and len(before) >= 5
    kinds = [len({kind for _, kind in rows}) for rows in (before, after)]
    following = min(after)[1] if after else None
    found: dict[str, float | None] = {
        "churn_signal": float(course[-1] < 0.7 * sum(prior) / 6) if owned else None,
        "product_stability": max(0.0, 1 - sd / mean) if mean else None,
        "segment_prediction": float(SEGMENTS.index(who.segments[window[-1]])),
        "nba_primary": float(1 + GROUPS.index(PRODUCTS[gained[0]]) if gained else 0),
        "cross_sell_count": float(len(gained)),
        "next_mcc": None
        if following is None
        else float(classes.index(following if following in classes else "other")),
        "top_mcc_shift": float(_top(after) != _top(before)) if both else None,
        "mcc_diversity_trend": (kinds[1] - kinds[0]) / kinds[0] if both else None,
    }
    for group in GROUPS:
        members = {p for p, name in PRODUCTS.items() if name == group}
        found[f"will_acquire_{group}"] = (
            None if members <= owned else float(bool(members & set(gained)))
        )
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_label_of_a_random_bank_is_its_definition(tmp_path: Path, seed: int) -> None:
    bank, people = _crowd(seed)
    rows, report = label(bank, tmp_path, chosen=tasks(), dataset=settings(shards=2))
    by_name = {task["name"]: task for task in report["tasks"]}
    assert len(by_name) == 13
    classes = by_name["next_mcc"]["classes"]
    checked: Counter[tuple[str, bool]] = Counter()
    for row in rows:
        if row["split"] == "score" or row["customer_id"] == "filler":
            continue
        wanted = _labels(people[row["customer_id"]], row["as_of"], classes)
        assert set(wanted) == set(by_name)
        for task, value in wanted.items():
            found: Any = row[f"y_{task}"]
            where = (task, row["customer_id"], row["as_of"], found, value)
            assert (found is None) == (value is None), where
            if value is not None:
                assert found == pytest.approx(value, abs=1e-12), where
            checked[task, value is None] += 1
    assert all(checked[task, False] > 100 for task in by_name)
    masked = {task for task in by_name if checked[task, True]}
    assert {"churn_signal", "product_stability", "next_mcc", "top_mcc_shift"} < masked


def test_months_end_as_the_calendar_says() -> None:
    assert shift(date(2023, 11, 30), HORIZON) == month_end(2024, 2) == date(2024, 2, 29)
