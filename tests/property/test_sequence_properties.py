"""Windows, scans and embeddings of any history: never a neighbour's business, always finite."""

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sequence.sequences import (
    DAY,
    LETTERS,
    SCALE,
    SHAPE,
    Event,
    history_of,
    in_order,
    reader_of,
)
from training_jobs.sequence.encoder import EventEncoder
from training_jobs.sequence.scan import ChunkedScan, scan_recurrence
from training_jobs.sequence.windows import newest, tiled

torch.manual_seed(0)
ENCODER = EventEncoder(SHAPE, categories=len(LETTERS) + 1).eval().requires_grad_(False)

# From one instant to leap days and month ends, from one unit to the largest integer.
events = st.builds(
    Event,
    second=st.one_of(
        st.integers(1_700_000_000, 1_700_000_003),
        st.integers(0, 2_000_000_000),
        st.sampled_from([1_709_164_800 + DAY - 1, 1_709_251_199, 1_706_745_599, 1_706_745_600]),
    ),
    amount=st.one_of(st.integers(1, 10), st.integers(1, 2**62), st.just(2**63 - 1)),
    debit=st.booleans(),
    category=st.sampled_from([*LETTERS, "unknown", None]),
)
customers = st.lists(
    st.lists(events, max_size=12).map(in_order),
    min_size=1,
    max_size=5,
).filter(any)


@given(customers, st.integers(2, 15))
@settings(max_examples=60, deadline=None)
def test_any_window_holds_the_newest_events_in_order(found: list[list[Event]], length: int) -> None:
    history = history_of(found)
    windows = newest(history)
    assert windows.row.tolist() == [row for row, own in enumerate(found) if own]
    batch = reader_of(history, length).read(windows)
    for place, row in enumerate(windows.row):
        own = found[row][-length:]
        assert batch.valid[place].tolist() == [False] * (length - len(own)) + [True] * len(own)
        codes = [LETTERS.index(e.category) + 1 if e.category in LETTERS else 0 for e in own]
        assert batch.category[place, length - len(own) :].tolist() == codes
        sizes = [(math.log1p(e.amount) - SCALE.size[0]) / SCALE.size[1] for e in own]
        np.testing.assert_allclose(
            batch.fields[place, length - len(own) :, 1].numpy(), sizes, rtol=1e-5, atol=1e-5
        )
        assert (batch.fields[place, :, 2] >= -SCALE.gap[0] / SCALE.gap[1] - 1e-6).all()


@given(customers, st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_any_tiles_are_apart_and_leave_out_single_events_only(
    found: list[list[Event]], length: int
) -> None:
    history = history_of(found)
    windows = tiled(history, length)
    covered = np.zeros(len(history.row), np.int64)
    for row, first, end in zip(windows.row, windows.first, windows.end, strict=True):
        assert 2 <= end - first <= length
        assert (history.row[first:end] == row).all()
        covered[first:end] += 1
    assert covered.max(initial=0) <= 1
    missed = [int((covered[history.row == row] == 0).sum()) for row in range(len(found))]
    assert missed == [1 if len(own) % length == 1 else 0 for own in found]


@given(customers, st.integers(2, 15))
@settings(max_examples=40, deadline=None)
def test_any_embedding_is_finite_and_that_of_the_customer_alone(
    found: list[list[Event]], length: int
) -> None:
    history = history_of(found)
    windows = newest(history)
    made = ENCODER.embed(reader_of(history, length).read(windows))
    assert made.isfinite().all()
    for place, row in enumerate(windows.row):
        alone = history_of([found[row]])
        own = ENCODER.embed(reader_of(alone, length).read(newest(alone)))
        torch.testing.assert_close(own[0], made[place], rtol=1e-5, atol=1e-6)


@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 2**31), st.floats(0, 5))
@settings(max_examples=60, deadline=None)
def test_any_scan_in_chunks_is_the_recurrence(
    steps: int, chunk: int, seed: int, pace: float
) -> None:
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    x, b, c = draw(2, steps, 3, 2), draw(2, steps, 4), draw(2, steps, 4)
    dt, rate = draw(2, steps, 3).clamp_min(0) * pace, draw(3).abs()
    torch.testing.assert_close(
        ChunkedScan(chunk)(x, dt, rate, b, c), scan_recurrence(x, dt, rate, b, c)
    )
