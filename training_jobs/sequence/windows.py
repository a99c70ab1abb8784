"""Windows of consecutive events as the encoder reads them: oldest first, padded in front."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training_jobs.features.history import EventHistory

SECONDS_A_DAY = 86_400
HOURS = 24
FIELDS = 5
"""Sign, size, gap, sine and cosine of the hour."""
SIZE, GAP = 1, 2
"""Places of size and gap among the fields."""
SMALLEST_SD = 1e-3

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """B windows of T places.

    Attributes:
        category: [B, T] 1 + place in the vocabulary, 0 = outside it or not recorded.
        fields: [B, T, FIELDS]; size and gap are standardised logarithms.
        valid: [B, T] bool, an event and not padding; padding holds zeros everywhere.
    """

    category: Tensor
    fields: Tensor
    valid: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the same windows on another device."""
        return Batch(*(part.to(device) for part in (self.category, self.fields, self.valid)))


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of the logarithms of an event's size and gap.

    Attributes:
        size: of log(1 + minor units).
        gap: of log(1 + days since the customer's event before).
    """

    size: tuple[float, float]
    gap: tuple[float, float]


@dataclass(frozen=True)
class Windows:
    """Where windows lie in a history: the events from `first` (or later) up to `end`.

    Attributes:
        row: [n] the customer's row.
        first: [n] the oldest event that may be in the window.
        end: [n] the event after the newest one of the window.
    """

    row: IntArray
    first: IntArray
    end: IntArray

    def __len__(self) -> int:
        return len(self.row)

    def at(self, places: NDArray[np.int64] | slice) -> "Windows":
        """Return some of the windows."""
        return Windows(self.row[places], self.first[places], self.end[places])


def newest(history: EventHistory) -> Windows:
    """Return one window for each customer with events: all of them, to be cut to the newest."""
    rows = np.flatnonzero(history.counts)
    return Windows(rows, history.offsets[rows], history.offsets[rows + 1])


def tiled(history: EventHistory, length: int) -> Windows:
    """Return each customer's history in windows of `length`, newest first, of two events or more.

    A window of one event has nothing to predict.
    """
    everyone = newest(history)
    counts = -(-history.counts[everyone.row] // length)
    owner = np.repeat(np.arange(len(everyone)), counts)
    back = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    end = everyone.end[owner] - back * length
    first = np.maximum(everyone.first[owner], end - length)
    return Windows(everyone.row[owner], first, end).at(np.flatnonzero(end - first > 1))


class WindowReader:
    """Gathers windows of a history, a batch at a time: memory follows the batch."""

    def __init__(
        self, history: EventHistory, vocabulary: list[str], *, length: int, scale: Scale
    ) -> None:
        """Set what windows are made from.

        Args:
            history: the events.
            vocabulary: categories in the order of their codes.
            length: places T of a window.
            scale: fitted scale.
        """
        self.history, self.length, self.scale = history, length, scale
        self.category = history.category_codes(vocabulary)
        start = history.offsets[history.row] == np.arange(len(history.row))
        self.before = np.where(start, 0, np.arange(len(history.row)) - 1)
        self.start = start

    def gap_days(self, at: IntArray) -> NDArray[np.float64]:
        """Return days since the customer's event before, 0 for the first."""
        seconds = self.history.second[at] - self.history.second[self.before[at]]
        return np.where(self.start[at], 0.0, seconds / SECONDS_A_DAY)

    def read(self, windows: Windows) -> Batch:
        """Return the windows, each in its last places."""
        places = windows.end[:, None] - self.length + np.arange(self.length)
        valid = places >= windows.first[:, None]
        at = np.where(valid, places, windows.end[:, None] - 1)
        size = _standard(np.log1p(self.history.amount[at].astype(np.float64)), self.scale.size)
        gap = _standard(np.log1p(self.gap_days(at)), self.scale.gap)
        angle = self.history.hour[at] * (2 * np.pi / HOURS)
        sign = np.where(self.history.debit[at], -1.0, 1.0)
        fields = np.stack([sign, size, gap, np.sin(angle), np.cos(angle)], axis=-1)
        return Batch(
            torch.from_numpy(np.where(valid, self.category[at], 0)),
            torch.from_numpy((fields * valid[..., None]).astype(np.float32)),
            torch.from_numpy(valid),
        )

    def batches(self, windows: Windows, size: int) -> Iterator[Batch]:
        """Yield all windows in order, at most `size` at a time."""
        for start in range(0, len(windows), size):
            yield self.read(windows.at(slice(start, start + size)))


def _standard(values: NDArray[np.float64], scale: tuple[float, float]) -> NDArray[np.float64]:
    mean, sd = scale
    return (values - mean) / sd


def fit_scale(history: EventHistory) -> Scale:
    """Return the scale of all events; it does not depend on the order of the customers."""
    start = history.offsets[history.row] == np.arange(len(history.row))
    seconds = np.diff(history.second, prepend=0)
    # Sorted first: a sum of floats depends on its order.
    sizes = np.log1p(np.sort(history.amount).astype(np.float64))
    gaps = np.log1p(np.sort(np.where(start, 0, seconds)) / SECONDS_A_DAY)
    return Scale(_moments(sizes), _moments(gaps))


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.mean(values)), max(float(np.std(values)), SMALLEST_SD)
