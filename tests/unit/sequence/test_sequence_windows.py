"""Windows hold what a plain reading of the events says, and nothing of other customers."""

import math

import numpy as np
import pytest

from tests.unit.sequence.sequences import DAY, LETTERS, SCALE, Event, history_of, reader_of
from training_jobs.sequence.windows import (
    FIELDS,
    SMALLEST_SD,
    WindowReader,
    Windows,
    fit_scale,
    newest,
    tiled,
)

CUSTOMERS = [
    [],
    [Event(5 * DAY + 7_200, 250, False, "b")],
    [Event(second=3_600 * (place * 31 + 5), amount=10**place, category="abz"[place % 3])
     for place in range(8)],
    [Event(9 * DAY, 7, False, None), Event(9 * DAY), Event(10 * DAY, 9 * 10**12, True, "f")],
]  # fmt: skip


def naive(events: list[Event], end: int, length: int) -> list[list[float]]:
    """The last `length` events before place `end`: code and fields of each, by plain Python."""
    rows = []
    for place in range(max(0, end - length), end):
        event = events[place]
        code = 1 + LETTERS.index(event.category) if event.category in LETTERS else 0
        days = (event.second - events[place - 1].second) / DAY if place else 0.0
        angle = 2 * math.pi * (event.second // 3600 % 24) / 24
        rows.append(
            [
                code,
                -1.0 if event.debit else 1.0,
                (math.log(1 + event.amount) - SCALE.size[0]) / SCALE.size[1],
                (math.log(1 + days) - SCALE.gap[0]) / SCALE.gap[1],
                math.sin(angle),
                math.cos(angle),
            ]
        )
    return rows


@pytest.mark.parametrize("length", [2, 3, 8, 20])
def test_a_window_holds_the_newest_events_in_its_last_places(length: int) -> None:
    history = history_of(CUSTOMERS)
    windows = newest(history)
    assert windows.row.tolist() == [1, 2, 3]
    batch = reader_of(history, length).read(windows)
    for place, row in enumerate(windows.row):
        expected = naive(CUSTOMERS[row], len(CUSTOMERS[row]), length)
        count = len(expected)
        valid = [False] * (length - count) + [True] * count
        assert batch.valid[place].tolist() == valid
        assert not batch.category[place, : length - count].any()
        assert not batch.fields[place, : length - count].any()
        assert batch.category[place, length - count :].tolist() == [row[0] for row in expected]
        np.testing.assert_allclose(
            batch.fields[place, length - count :].numpy(),
            np.array(expected)[:, 1:].reshape(count, FIELDS),
            rtol=1e-6,
            atol=1e-6,
        )


def test_tiles_cover_every_event_once_but_for_single_ones() -> None:
    history = history_of(CUSTOMERS)
    windows = tiled(history, 3)
    starts = history.offsets[windows.row]
    found = np.stack([windows.row, windows.first - starts, windows.end - starts], axis=1)
    assert found.tolist() == [[2, 5, 8], [2, 2, 5], [2, 0, 2], [3, 0, 3]]
    # Seven events in threes leave one over, which has nothing to predict.
    seven = history_of([CUSTOMERS[2][:7]])
    assert [int(first) for first in tiled(seven, 3).first] == [4, 1]


def test_an_older_window_knows_the_event_before_it_only_by_the_gap() -> None:
    history = history_of(CUSTOMERS)
    start = int(history.offsets[2])
    reader = reader_of(history, 4)
    cut = Windows(np.array([2]), np.array([start + 5]), np.array([start + 8]))
    expected = naive(CUSTOMERS[2], 8, 3)
    np.testing.assert_allclose(
        reader.read(cut).fields[0, 1:].numpy(), np.array(expected)[:, 1:], rtol=1e-6, atol=1e-6
    )


def test_the_scale_is_that_of_all_sizes_and_gaps() -> None:
    scale = fit_scale(history_of(CUSTOMERS))
    sizes = [math.log(1 + event.amount) for events in CUSTOMERS for event in events]
    gaps = [
        math.log(1 + (event.second - events[place - 1].second) / DAY) if place else 0.0
        for events in CUSTOMERS
        for place, event in enumerate(events)
    ]
    assert scale.size == pytest.approx((np.mean(sizes), np.std(sizes)))
    assert scale.gap == pytest.approx((np.mean(gaps), np.std(gaps)))
    assert fit_scale(history_of(CUSTOMERS[::-1])) == scale


def test_a_scale_of_equal_events_does_not_divide_by_zero() -> None:
    same = history_of([[Event(0), Event(0)], [Event(5), Event(5)]])
    scale = fit_scale(same)
    assert scale.size[1] == scale.gap[1] == SMALLEST_SD
    batch = WindowReader(same, LETTERS, length=2, scale=scale).read(newest(same))
    assert batch.fields.isfinite().all()


def test_batches_are_the_windows_in_order() -> None:
    history = history_of(CUSTOMERS)
    reader, windows = reader_of(history, 3), tiled(history, 3)
    parts = list(reader.batches(windows, 3))
    assert [len(part.valid) for part in parts] == [3, 1]
    whole = reader.read(windows)
    assert np.array_equal(np.concatenate([p.fields.numpy() for p in parts]), whole.fields.numpy())
