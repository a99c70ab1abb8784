"""Three ways to read a sequence of tokens: selective scan, liquid cell, attention.

Each takes `Tokens` and returns its state at the last token, `as_of`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs.settings.experts import TemporalConfig
from training_jobs.experts.tokens import Tokens
from training_jobs.sequence.block import SelectiveBlock


class MambaBranch(nn.Module):
    """One Mamba-2 block over the tokens."""

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__()
        self.block = SelectiveBlock(
            dim=config.model_dim,
            state=config.state_dim,
            heads=config.heads,
            conv_width=config.conv_width,
        )

    def forward(self, tokens: Tokens) -> Tensor:
        """Return [B, d]."""
        # Only the state at `as_of` is handed on, so only its read is needed.
        return self.block(tokens.values, tokens.valid, 1)[:, -1]


class LiquidBranch(nn.Module):
    """A closed-form continuous-time cell (CfC): the days between tokens drive its interpolation.

    After Hasani et al. 2022, "Closed-form continuous-time neural networks".
    """

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__()
        d = config.model_dim
        self.enter = nn.Linear(d, d)
        self.recur = nn.Linear(d, d, bias=False)
        self.heads = nn.Linear(d, 4 * d)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return [B, d]."""
        entered = self.enter(tokens.values)
        state = torch.zeros_like(entered[:, 0])
        for t in range(entered.shape[1]):
            backbone = torch.tanh(entered[:, t] + self.recur(state))
            fast, slow, pace, shift = self.heads(backbone).chunk(4, dim=-1)
            mix = torch.sigmoid(pace * tokens.elapsed[:, t, None] + shift)
            moved = (1 - mix) * torch.tanh(fast) + mix * torch.tanh(slow)
            state = torch.where(tokens.valid[:, t, None], moved, state)
        return state


class AttentionBranch(nn.Module):
    """One pre-norm Transformer layer; position is real time, by sines of the tokens' age."""

    frequencies: Tensor

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__()
        d = config.model_dim
        self.heads, self.dropout = config.heads, config.dropout
        self.register_buffer("frequencies", torch.logspace(-0.5, 1.2, d // 2), persistent=False)
        self.norm = nn.LayerNorm(d)
        self.project = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)
        self.feed = nn.Sequential(
            nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Dropout(self.dropout)
        )
        self.feed_out = nn.Linear(2 * d, d)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return [B, d]: what `as_of` attends to among the valid tokens."""
        rows, steps, d = tokens.values.shape
        angles = tokens.age.unsqueeze(-1) * self.frequencies
        placed = tokens.values + torch.cat([angles.sin(), angles.cos()], dim=-1)
        q, k, v = (
            part.reshape(rows, steps, self.heads, -1).transpose(1, 2)
            for part in self.project(self.norm(placed)).chunk(3, dim=-1)
        )
        # Only the state at `as_of` is handed on, so only its query is needed.
        attended = functional.scaled_dot_product_attention(
            q[:, :, -1:], k, v, attn_mask=tokens.valid[:, None, None, :]
        )
        state = placed[:, -1] + self.out(attended.transpose(1, 2).reshape(rows, d))
        return state + self.feed_out(self.feed(state))
