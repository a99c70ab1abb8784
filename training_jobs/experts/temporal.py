"""Temporal: the real event sequence with its time gaps, read in three ways and mixed."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from configs.settings.experts import TemporalConfig
from training_jobs.experts.base import Expert, ExpertError, ExpertInputs, register
from training_jobs.experts.batch import Batch
from training_jobs.experts.branches import AttentionBranch, LiquidBranch, MambaBranch
from training_jobs.experts.columns import FlatColumns
from training_jobs.experts.tokens import EventTokens

CODE_DIM = 4


@register("temporal")
class Temporal(Expert):
    """Rhythm: which events followed which, and how long after."""

    tensors: ClassVar[tuple[str, ...]] = ("events",)

    def __init__(self, config: TemporalConfig, inputs: ExpertInputs) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        self.tokens = EventTokens(
            categories=inputs.categories,
            category_dim=config.category_dim,
            dim=config.model_dim,
            length=inputs.event_length,
            most=config.max_tokens,
        )
        self.branches = nn.ModuleList(
            [MambaBranch(config), LiquidBranch(config), AttentionBranch(config)]
        )
        self.norms = nn.ModuleList([nn.LayerNorm(config.model_dim) for _ in self.branches])
        self.mix = nn.Parameter(torch.zeros(len(self.branches)))
        # Routed columns (states of sequence models) join what the branches saw.
        columns = inputs.numeric or inputs.codes
        self.columns = FlatColumns(inputs, CODE_DIM) if columns else None
        extra = self.columns.output_dim if self.columns is not None else 0
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.model_dim + extra, config.output_dim)

    def prepare(self, rows: Batch) -> None:
        """Fit the scale of event sizes and gaps."""
        self.tokens.fit(rows)

    def branch_shares(self) -> Tensor:
        """Return [3]: the learned shares of scan, liquid cell and attention; sum 1."""
        return torch.softmax(self.mix, dim=0)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, D].

        Raises:
            ExpertError: the batch has no events.
        """
        if batch.events is None:
            raise ExpertError("the batch has no events", remedy="leave the temporal expert out")
        tokens = self.tokens(batch.events)
        seen = torch.stack(
            [norm(branch(tokens)) for norm, branch in zip(self.norms, self.branches, strict=True)]
        )
        state = torch.einsum("s,sbd->bd", self.branch_shares(), seen)
        if self.columns is not None:
            state = torch.cat([state, self.columns(batch)], dim=1)
        return self.head(self.dropout(state))
