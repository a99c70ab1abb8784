"""What pre-training minimises and reports: how well the next event is foretold."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training_jobs.sequence.encoder import EventEncoder
from training_jobs.sequence.windows import GAP, SIZE, Batch


@dataclass(frozen=True)
class NextLoss:
    """Sums over the predicted events of a batch.

    Attributes:
        category: log-loss of the next category, nats.
        size: squared error of the next standardised size.
        gap: squared error of the standardised time until it.
        events: number of predicted events.
    """

    category: Tensor
    size: Tensor
    gap: Tensor
    events: int


def next_loss(encoder: EventEncoder, batch: Batch) -> NextLoss:
    """Return the losses of every event that has an event before it in its window."""
    states = encoder(batch)[:, :-1]
    known = batch.valid[:, :-1] & batch.valid[:, 1:]
    scores = encoder.next_category(states)[known]
    size = encoder.next_size(states).squeeze(-1)[known]
    gap = encoder.next_gap(states).squeeze(-1)[known]
    return NextLoss(
        functional.cross_entropy(scores, batch.category[:, 1:][known], reduction="sum"),
        (size - batch.fields[:, 1:, SIZE][known]).square().sum(),
        (gap - batch.fields[:, 1:, GAP][known]).square().sum(),
        len(size),
    )


@dataclass(frozen=True)
class Measured:
    """Means over the predicted events of held-out customers.

    Attributes:
        category: log-loss of the next category, nats.
        size: squared error of the standardised size; 1 is what the mean alone reaches.
        gap: the same of the gap.
        events: number of predicted events.
    """

    category: float
    size: float
    gap: float
    events: int


@torch.no_grad()
def measure(encoder: EventEncoder, batches: Iterable[Batch]) -> Measured:
    """Return the mean losses over batches."""
    sums = np.zeros(3)
    events = 0
    for batch in batches:
        found = next_loss(encoder, batch)
        sums += [float(found.category), float(found.size), float(found.gap)]
        events += found.events
    category, size, gap = (float(value) for value in sums / events)
    return Measured(category, size, gap, events)


def shuffled(batches: Iterable[Batch], seed: int) -> Iterable[Batch]:
    """Yield the same windows with the events of each in another order."""
    draw = np.random.default_rng(seed)
    for batch in batches:
        # Padding sorts in front, where it was; events are dealt out at random.
        keys = draw.random(batch.valid.shape) + batch.valid.cpu().numpy()
        order = torch.from_numpy(keys.argsort(axis=1)).to(batch.valid.device)
        places = order.unsqueeze(-1).expand_as(batch.fields)
        yield replace(
            batch,
            category=batch.category.gather(1, order),
            fields=batch.fields.gather(1, places),
        )


def marginal_loss(counts: NDArray[np.int64], batches: Iterable[Batch]) -> float:
    """Return the log-loss of the next category by shares alone, nats an event.

    Args:
        counts: [C] events by category code among the customers that are learnt from.
        batches: held-out windows.
    """
    shares = (counts + 1) / (counts.sum() + len(counts))
    seen = np.zeros(len(counts), np.int64)
    for batch in batches:
        known = batch.valid[:, :-1] & batch.valid[:, 1:]
        targets = batch.category[:, 1:][known].cpu().numpy()
        seen += np.bincount(targets, minlength=len(counts))
    return float(-(seen * np.log(shares)).sum() / seen.sum())
