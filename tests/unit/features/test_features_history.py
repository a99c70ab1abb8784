"""Events of a view in one order, whatever order the database has them in."""

import random

import pyarrow as pa
import pytest

from training_jobs.features.history import EventHistory, event_history

KINDS = [(debit, text) for debit in (True, False) for text in (None, "a", "b", "\u00e9")]
SHAPE = {
    "row": pa.int32(),
    "back": pa.int32(),
    "month_back": pa.int32(),
    "microsecond": pa.int64(),
    "hour": pa.int32(),
    "amount": pa.int64(),
    "debit": pa.bool_(),
    "category": pa.string(),
    "channel": pa.string(),
    "merchant": pa.string(),
}
Event = tuple[int, int, int, bool, str | None, str | None, str | None]


def history(events: list[Event]) -> EventHistory:
    """Return the history of three customers from (row, second, amount, debit, texts)."""
    columns: dict[str, list[object]] = {name: [] for name in SHAPE}
    for row, second, amount, debit, category, channel, merchant in events:
        made = (row, 9 - second, 0, second * 1_000_000, second, amount, debit)
        for name, value in zip(SHAPE, (*made, category, channel, merchant), strict=True):
            columns[name].append(value)
    return event_history(pa.table(columns, schema=pa.schema(SHAPE)), 3)


def read(made: EventHistory) -> list[Event]:
    """Return the events in the order of the history."""

    def text(values: tuple[str, ...], code: int) -> str | None:
        return None if code < 0 else values[code]

    return [
        (
            int(made.row[place]),
            int(made.second[place]),
            int(made.amount[place]),
            bool(made.debit[place]),
            text(made.categories, made.category[place]),
            text(made.channels, made.channel[place]),
            text(made.merchants, made.merchant[place]),
        )
        for place in range(len(made.row))
    ]


def naive(events: list[Event]) -> list[Event]:
    """Sort by one key after the other, the last one first; Python's sort is stable."""
    made = list(events)
    for place in (6, 5, 4):
        made.sort(key=lambda event: event[place] or "", reverse=True)
        made.sort(key=lambda event: event[place] is not None)
    made.sort(key=lambda event: (event[0], event[1], event[2], not event[3]))
    return made


def crowd(seed: int) -> list[Event]:
    """Return events many of which share their moment, their amount or all they are."""
    rng = random.Random(seed)
    events: list[Event] = []
    for _ in range(400):
        debit, category = rng.choice(KINDS)
        texts = (category, rng.choice([None, "x", "y"]), rng.choice([None, "m", "n"]))
        moment = (rng.choice([0, 2]), rng.randrange(5), rng.randrange(1, 4))
        events.append((*moment, debit, *texts))
    return events


@pytest.mark.parametrize("seed", range(4))
def test_events_of_one_moment_are_told_apart_by_what_they_are(seed: int) -> None:
    events = crowd(seed)
    assert read(history(events)) == naive(events)


@pytest.mark.parametrize("seed", range(4))
def test_sorted_files_and_shuffled_ones_give_the_same_history(seed: int) -> None:
    """Sorted by time alone, as files are, the moments are still put in order."""
    events = sorted(crowd(seed), key=lambda event: event[:2])
    assert read(history(events)) == naive(events)
    assert read(history(sorted(events, key=str))) == naive(events)


def test_one_late_event_in_front_is_put_in_its_place() -> None:
    first, second = (0, 1, 1, True, "a", "x", None), (0, 2, 1, True, "b", None, "m")
    other = (1, 0, 5, False, "c", None, None)
    assert read(history([second, first, other])) == [first, second, other]
    assert read(history([other, first, second])) == [first, second, other]


def test_customers_without_events_have_an_empty_stretch() -> None:
    made = history([(2, 1, 1, True, "a", None, None)])
    assert made.offsets.tolist() == [0, 0, 0, 1]
    assert made.counts.tolist() == [0, 0, 1]
    assert history([]).offsets.tolist() == [0, 0, 0, 0]


def test_the_first_event_of_a_day_is_among_the_chosen_ones() -> None:
    """A day whose first event is not chosen is still a day with a chosen event."""
    credit = (0, 1, 1, False, "a", None, None)
    debits: list[Event] = [(0, 1, 2, True, "a", None, None), (0, 1, 3, True, "a", None, None)]
    made = history([credit, *debits, (0, 2, 1, True, "a", None, None)])
    assert made.first_of_day(made.debit).tolist() == [False, True, False, True]
    assert made.count(made.first_of_day(made.debit)).tolist() == [2, 0, 0]
