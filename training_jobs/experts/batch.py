"""What a forward pass reads: rows as tensors, the same structure for every expert."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Events:
    """The newest events of each row, newest first, padded at the end.

    Attributes:
        amount: [B, E] float32, sign x log1p(minor units), debit negative.
        category: [B, E] int64, 0 = unknown or padding.
        gap_days: [B, E] float32, days to the next newer event, the first to the end of `as_of`.
        hour: [B, E] int64, 0..23.
        length: [B] int64, events that are not padding.
    """

    amount: Tensor
    category: Tensor
    gap_days: Tensor
    hour: Tensor
    length: Tensor

    def select(self, index: Tensor) -> "Events":
        """Return the rows at `index` [n] int64."""
        return Events(
            self.amount[index],
            self.category[index],
            self.gap_days[index],
            self.hour[index],
            self.length[index],
        )

    def to(self, device: torch.device) -> "Events":
        """Return the same rows on `device`, narrow storage widened for computing."""
        return Events(
            self.amount.to(device),
            self.category.to(device, torch.int64),
            self.gap_days.to(device),
            self.hour.to(device, torch.int64),
            self.length.to(device, torch.int64),
        )


@dataclass(frozen=True)
class Incidence:
    """The items (merchants, products) of each row, padded at the end.

    Attributes:
        items: [B, K] int64, indices into the item vocabulary, 0 where padded.
        weights: [B, K] float32, strength of the tie, 0 where padded.
    """

    items: Tensor
    weights: Tensor

    def select(self, index: Tensor) -> "Incidence":
        """Return the rows at `index` [n] int64."""
        return Incidence(self.items[index], self.weights[index])

    def to(self, device: torch.device) -> "Incidence":
        """Return the same rows on `device`."""
        return Incidence(self.items.to(device, torch.int64), self.weights.to(device))


@dataclass(frozen=True)
class Batch:
    """B rows.

    Attributes:
        numeric: [B, N] float32, standardised numeric and binary columns, 0 where missing.
        missing: [B, N] bool, where the column has no value.
        codes: [B, C] int64, categorical columns, 0 = missing or unknown.
        events: None where the data set has none.
        incidence: None where the data set has none.
    """

    numeric: Tensor
    missing: Tensor
    codes: Tensor
    events: Events | None
    incidence: Incidence | None

    def __len__(self) -> int:
        """Return B."""
        return int(self.numeric.shape[0])

    def select(self, index: Tensor) -> Self:
        """Return the rows at `index` [n] int64."""
        return type(self)(
            self.numeric[index],
            self.missing[index],
            self.codes[index],
            self.events.select(index) if self.events is not None else None,
            self.incidence.select(index) if self.incidence is not None else None,
        )

    def to(self, device: torch.device) -> Self:
        """Return the same rows on `device`."""
        return type(self)(
            self.numeric.to(device),
            self.missing.to(device),
            self.codes.to(device, torch.int64),
            self.events.to(device) if self.events is not None else None,
            self.incidence.to(device) if self.incidence is not None else None,
        )
