"""The encoder: events in order -> a state after each, from which the next event is predicted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from configs.settings.generators.mamba import EncoderShape
from training_jobs.sequence.block import SelectiveBlock
from training_jobs.sequence.scan import ChunkedScan, Scan
from training_jobs.sequence.windows import FIELDS, Batch


class SequenceLinear(nn.Linear):
    """A linear map as one product a sequence.

    A product over all sequences at once may round a row by where it stands among the others;
    here each sequence is a product of its own, always of the same size.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return [B, T, out] of [B, T, in]."""
        weight = self.weight.t().expand(len(input), -1, -1)
        return torch.baddbmm(self.bias, input, weight)


class EventEncoder(nn.Module):
    """Selective state-space encoder of event sequences (Mamba-2; Dao and Gu 2024).

    The state after an event is all that the three heads may use to predict the next one: its
    category, its size and the time until it comes.
    """

    def __init__(self, shape: EncoderShape, *, categories: int, scan: Scan | None = None) -> None:
        """Make the weights.

        Args:
            shape: widths and depth.
            categories: codes of a category, 0 (outside the vocabulary) included.
            scan: form of the scan; the CPU form by default.
        """
        super().__init__()
        self.category = nn.Embedding(categories, shape.category_dim)
        nn.init.normal_(self.category.weight, std=1.0)
        self.enter = SequenceLinear(shape.category_dim + FIELDS, shape.model_dim)
        form = scan or ChunkedScan(shape.scan_chunk)
        self.blocks = nn.ModuleList(
            SelectiveBlock(
                dim=shape.model_dim,
                state=shape.state_dim,
                heads=shape.heads,
                conv_width=shape.conv_width,
                scan=form,
                linear=SequenceLinear,
            )
            for _ in range(shape.blocks)
        )
        self.norm = nn.LayerNorm(shape.model_dim)
        self.state = SequenceLinear(shape.model_dim, shape.width)
        self.next_category = SequenceLinear(shape.width, categories)
        self.next_size = SequenceLinear(shape.width, 1)
        self.next_gap = SequenceLinear(shape.width, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, T, width]: the state after every place; one after padding means nothing."""
        entered = torch.cat([self.category(batch.category), batch.fields], dim=-1)
        values = self.enter(entered) * batch.valid.unsqueeze(-1)
        for block in self.blocks:
            values = block(values, batch.valid, values.shape[1])
        states: Tensor = torch.tanh(self.state(self.norm(values)))
        return states

    def embed(self, batch: Batch) -> Tensor:
        """Return [B, width]: the mean of the states after each event of a window.

        The last state alone says where in a habit a customer stands, the mean that there is one.
        """
        states = self(batch) * batch.valid.unsqueeze(-1)
        # Added place by place: a matrix-vector product rounds by where a window lies in memory.
        total = torch.zeros_like(states[:, 0])
        for place in range(states.shape[1]):
            total = total + states[:, place]
        return total / batch.valid.sum(dim=1, keepdim=True)


def weight_arrays(encoder: EventEncoder) -> dict[str, NDArray[Any]]:
    """Return the weights as arrays by name."""
    return {name: value.detach().cpu().numpy() for name, value in encoder.state_dict().items()}


def load_encoder(
    shape: EncoderShape,
    arrays: Mapping[str, NDArray[Any]],
    *,
    categories: int,
    scan: Scan | None = None,
) -> EventEncoder:
    """Return an encoder with given weights, frozen."""
    encoder = EventEncoder(shape, categories=categories, scan=scan)
    encoder.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in arrays.items()})
    return encoder.eval().requires_grad_(False)
