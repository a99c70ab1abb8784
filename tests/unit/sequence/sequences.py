"""Small histories written by hand, and the parameters that the tests of sequences share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from configs.settings.generators.mamba import EncoderShape, Pretraining
from training_jobs.features.history import EventHistory, event_history
from training_jobs.sequence.windows import Scale, WindowReader, tiled

DAY = 86_400
SHAPE = EncoderShape(
    category_dim=4,
    model_dim=12,
    blocks=2,
    state_dim=5,
    heads=3,
    conv_width=3,
    scan_chunk=4,
    width=6,
)
SCALE = Scale((2.0, 1.5), (0.5, 0.7))


@dataclass(frozen=True)
class Event:
    """One event of a customer."""

    second: int
    amount: int = 100
    debit: bool = True
    category: str | None = "a"


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events as a history has them: by time; of one second, by what they are."""
    found = sorted(
        events, key=lambda event: (event.category is None, event.category or ""), reverse=True
    )
    found.sort(key=lambda event: (event.second, event.amount, not event.debit))
    return found


def plan(**changes: Any) -> Pretraining:
    """Return a short pre-training."""
    raw = {
        "seed": 1,
        "holdout_share": 0.2,
        "holdout_windows": 100,
        "batch": 8,
        "epochs": 3,
        "max_steps": 1000,
        "learning_rate": 0.01,
        "warmup_share": 0.1,
        "final_share": 0.1,
        "weight_decay": 0.01,
        "clip_norm": 1.0,
        "size_weight": 0.25,
        "gap_weight": 0.25,
        "evaluate_steps": 5,
        "patience": 100,
    }
    return Pretraining.model_validate(raw | changes)


def history_of(customers: Sequence[Sequence[Event]]) -> EventHistory:
    """Return the history of customers whose events are in order of time."""
    rows = [(row, event) for row, events in enumerate(customers) for event in events]
    last = max((event.second for _, event in rows), default=0)
    table = pa.table(
        {
            "row": pa.array([row for row, _ in rows], pa.int64()),
            "back": pa.array([(last - event.second) // DAY for _, event in rows], pa.int64()),
            "month_back": pa.array([0 for _ in rows], pa.int64()),
            "microsecond": pa.array([event.second * 1_000_000 for _, event in rows], pa.int64()),
            "hour": pa.array([event.second // 3600 % 24 for _, event in rows], pa.int64()),
            "amount": pa.array([event.amount for _, event in rows], pa.int64()),
            "debit": pa.array([event.debit for _, event in rows], pa.bool_()),
            "category": pa.array([event.category for _, event in rows], pa.string()),
            "channel": pa.array([None for _ in rows], pa.string()),
            "merchant": pa.array([None for _ in rows], pa.string()),
        }
    )
    return event_history(table, len(customers))


LETTERS = [chr(ord("a") + place) for place in range(6)]


def cycling(customers: int, *, events: int, seed: int = 0, order: bool = True) -> EventHistory:
    """Return customers who go through six categories in turn, one event in ten at random.

    Args:
        customers: how many.
        events: events of each.
        seed: of starts, exceptions and times.
        order: whether the turn is kept; else every customer's categories are shuffled.
    """
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(customers):
        turn = (draw.integers(0, 6) + np.arange(events)) % 6
        turn = np.where(draw.random(events) < 0.1, draw.integers(0, 6, events), turn)
        turn = turn if order else draw.permutation(turn)
        seconds = np.cumsum(draw.integers(3_600, 5 * DAY, events))
        sizes = draw.integers(1, 10_000, events)
        made.append(
            [
                Event(int(second), int(size), bool(size % 3), LETTERS[place])
                for second, size, place in zip(seconds, sizes, turn, strict=True)
            ]
        )
    return history_of(made)


def reader_of(history: EventHistory, length: int) -> WindowReader:
    """Return a reader with the six categories as vocabulary."""
    return WindowReader(history, LETTERS, length=length, scale=SCALE)


def halves(history: EventHistory, length: int, held: int) -> tuple[Any, Any]:
    """Return windows to learn from and those of the first `held` customers."""
    windows = tiled(history, length)
    return (
        windows.at(np.flatnonzero(windows.row >= held)),
        windows.at(np.flatnonzero(windows.row < held)),
    )
