"""Events as at most 32 tokens in order of time, with the days between them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training_jobs.experts.batch import Batch, Events

HOURS = 24
PLAIN_FEATURES = 5
"""Sign, size, log gap, sine and cosine of the hour."""


@dataclass(frozen=True)
class Tokens:
    """A row's tokens, oldest first; the last one is `as_of` itself and always valid.

    Attributes:
        values: [B, T, d].
        elapsed: [B, T] log1p of the days since the token before, 0 for the first.
        age: [B, T] log1p of the days before `as_of`.
        valid: [B, T] bool, not padding.
    """

    values: Tensor
    elapsed: Tensor
    age: Tensor
    valid: Tensor


class EventTokens(nn.Module):
    """Embeds events and joins neighbours to patches in which their order is kept.

    The order inside a patch survives because its events are concatenated, not averaged.
    """

    scale: Tensor

    def __init__(self, *, categories: int, category_dim: int, dim: int, length: int, most: int):
        super().__init__()
        self.patch = -(-length // (most - 1))
        self.count = -(-length // self.patch)
        self.width = category_dim + PLAIN_FEATURES
        self.category = nn.Embedding(categories, category_dim)
        self.join = nn.Linear(self.patch * self.width, dim)
        self.time = nn.Linear(2, dim)
        self.as_of = nn.Parameter(torch.empty(dim))
        nn.init.normal_(self.category.weight, std=0.3)
        nn.init.normal_(self.as_of, std=0.3)
        # Mean and deviation of an event's size and log gap, fitted on train.
        self.register_buffer("scale", torch.tensor([[0.0, 1.0], [0.0, 1.0]]))

    @torch.no_grad()
    def fit(self, rows: Batch) -> None:
        """Measure size and log gap over the events of `rows`."""
        events = rows.events
        if events is None or int(events.length.sum()) < 2:
            return
        valid = torch.arange(events.amount.shape[1]) < events.length.unsqueeze(1)
        for row, values in enumerate((events.amount.abs(), events.gap_days.log1p())):
            chosen = values[valid].to(torch.float64)
            self.scale[row] = torch.stack([chosen.mean(), chosen.std().clamp_min(1e-3)])

    def _features(self, events: Events, valid: Tensor) -> Tensor:
        size = (events.amount.abs() - self.scale[0, 0]) / self.scale[0, 1]
        gap = (events.gap_days.log1p() - self.scale[1, 0]) / self.scale[1, 1]
        angle = events.hour.to(size.dtype) * (2 * torch.pi / HOURS)
        plain = torch.stack([events.amount.sign(), size, gap, angle.sin(), angle.cos()], dim=-1)
        joined = torch.cat([self.category(events.category), plain], dim=-1)
        return joined * valid.unsqueeze(-1)

    def forward(self, events: Events) -> Tokens:
        """Return the tokens of B rows: values [B, T, d], T = patches + 1."""
        rows, length = events.amount.shape
        valid = torch.arange(length, device=events.amount.device) < events.length.unsqueeze(1)
        spare = self.patch * self.count - length
        features = functional.pad(self._features(events, valid), (0, 0, 0, spare))
        values = self.join(features.reshape(rows, self.count, self.patch * self.width))
        days = torch.cumsum(events.gap_days * valid, dim=1)[:, :: self.patch]
        here = valid[:, :: self.patch]
        # Newest first becomes oldest first; `as_of` closes the sequence at age 0.
        values = torch.cat([values.flip(1), self.as_of.expand(rows, 1, -1)], dim=1)
        days = functional.pad(days.flip(1), (0, 1))
        here = functional.pad(here.flip(1), (0, 1), value=True)
        before = functional.pad(here[:, :-1], (1, 0))
        elapsed = functional.pad(days[:, :-1] - days[:, 1:], (1, 0)) * before
        elapsed, age = elapsed.clamp_min(0).log1p(), days.log1p() * here
        values = values + self.time(torch.stack([elapsed, age], dim=-1))
        return Tokens(values * here.unsqueeze(-1), elapsed, age, here)
