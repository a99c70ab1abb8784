"""Three ways to read a sequence of tokens: selective scan, liquid cell, attention.

Each takes `Tokens` and returns its state at the last token, `as_of`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs.settings.experts import TemporalConfig
from training_jobs.experts.scan import scan_matmul
from training_jobs.experts.tokens import Tokens


def causal_convolution(x: Tensor, taps: Tensor) -> Tensor:
    """Return [B, T, d]: every channel's weighted sum over its last k tokens, its own included.

    Shifted products are several times faster on a CPU than a grouped convolution.

    Args:
        x: [B, T, d].
        taps: [k, d], the newest token's weight last.
    """
    width, steps = taps.shape[0], x.shape[1]
    before = functional.pad(x, (0, 0, width - 1, 0))
    return sum(
        (before[:, shift : shift + steps] * taps[shift] for shift in range(width)),
        start=torch.zeros_like(x),
    )


class MambaBranch(nn.Module):
    """One Mamba-2 block: short causal convolution, selective scan, gate, residual."""

    def __init__(self, config: TemporalConfig) -> None:
        super().__init__()
        d, n = config.model_dim, config.state_dim
        self.heads, self.inner, self.state = config.heads, d, n
        self.norm = nn.LayerNorm(d)
        self.project = nn.Linear(d, 2 * d + 2 * n + config.heads)
        # Taps of the causal depthwise convolution, the newest token's last.
        self.taps = nn.Parameter(torch.zeros(config.conv_width, d + 2 * n))
        nn.init.uniform_(self.taps, -(config.conv_width**-0.5), config.conv_width**-0.5)
        self.tap_bias = nn.Parameter(torch.zeros(d + 2 * n))
        self.step_bias = nn.Parameter(torch.linspace(-4.0, 0.0, config.heads))
        self.log_rate = nn.Parameter(torch.linspace(0.0, 2.0, config.heads))
        self.skip = nn.Parameter(torch.ones(config.heads))
        self.out_norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, d)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return [B, d]."""
        rows, steps, _ = tokens.values.shape
        mask = tokens.valid.unsqueeze(-1).to(tokens.values.dtype)
        gate, mixed, step = self.project(self.norm(tokens.values)).split(
            [self.inner, self.inner + 2 * self.state, self.heads], dim=-1
        )
        mixed = causal_convolution(mixed * mask, self.taps) + self.tap_bias
        x, b, c = functional.silu(mixed).split([self.inner, self.state, self.state], dim=-1)
        x = x.reshape(rows, steps, self.heads, -1)
        # A padded token takes no step: it neither decays nor writes the state.
        dt = functional.softplus(step + self.step_bias) * mask
        # Only the state at `as_of` is handed on, so only its read is needed.
        y = scan_matmul(x, dt, self.log_rate.exp(), b, c[:, -1:])[:, -1]
        y = y + x[:, -1] * self.skip[:, None]
        last = self.out_norm(y.flatten(1) * functional.silu(gate[:, -1]))
        return tokens.values[:, -1] + self.out(last)


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
