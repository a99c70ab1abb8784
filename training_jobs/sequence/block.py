"""One Mamba-2 block: short causal convolution, selective scan, gate, residual."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training_jobs.sequence.scan import Scan, scan_matmul


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


class SelectiveBlock(nn.Module):
    """After Dao and Gu 2024, section 7: values, decay, writes and reads are chosen by the input.

    Attributes:
        scan: the form of the scan, exchangeable: the weights do not depend on it.
    """

    def __init__(
        self,
        *,
        dim: int,
        state: int,
        heads: int,
        conv_width: int,
        scan: Scan = scan_matmul,
        linear: type[nn.Linear] = nn.Linear,
    ) -> None:
        """Make the weights.

        Args:
            dim: width d of a token, a multiple of `heads`.
            state: state N per channel.
            heads: heads H; each has a decay rate and step sizes of its own.
            conv_width: tokens seen by the convolution before the scan.
            scan: the form of the scan.
            linear: class of the two projections.
        """
        super().__init__()
        self.heads, self.inner, self.state, self.scan = heads, dim, state, scan
        self.norm = nn.LayerNorm(dim)
        self.project = linear(dim, 2 * dim + 2 * state + heads)
        # Taps of the causal depthwise convolution, the newest token's last.
        self.taps = nn.Parameter(torch.zeros(conv_width, dim + 2 * state))
        nn.init.uniform_(self.taps, -(conv_width**-0.5), conv_width**-0.5)
        self.tap_bias = nn.Parameter(torch.zeros(dim + 2 * state))
        self.step_bias = nn.Parameter(torch.linspace(-4.0, 0.0, heads))
        self.log_rate = nn.Parameter(torch.linspace(0.0, 2.0, heads))
        self.skip = nn.Parameter(torch.ones(heads))
        self.out_norm = nn.LayerNorm(dim)
        self.out = linear(dim, dim)

    def forward(self, values: Tensor, valid: Tensor, reads: int) -> Tensor:
        """Return [B, reads, d]: the last `reads` tokens with what they read added.

        Args:
            values: [B, T, d].
            valid: [B, T] bool; a token that is not valid changes no other.
            reads: how many of the newest tokens are handed on.
        """
        rows, steps, _ = values.shape
        mask = valid.unsqueeze(-1).to(values.dtype)
        inner, state = self.inner, self.state
        gate, mixed, step = torch.split(
            self.project(self.norm(values)), [inner, inner + 2 * state, self.heads], dim=-1
        )
        mixed = causal_convolution(mixed * mask, self.taps) + self.tap_bias
        x, b, c = torch.split(functional.silu(mixed), [inner, state, state], dim=-1)
        x = x.reshape(rows, steps, self.heads, -1)
        # A padded token takes no step: it neither decays nor writes the state.
        dt = functional.softplus(step + self.step_bias) * mask
        y = self.scan(x, dt, self.log_rate.exp(), b, c[:, -reads:])
        y = y + x[:, -reads:] * self.skip[:, None]
        gated = self.out_norm(y.flatten(2) * functional.silu(gate[:, -reads:]))
        handed: Tensor = values[:, -reads:] + self.out(gated)
        return handed
