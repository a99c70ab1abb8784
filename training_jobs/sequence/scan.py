"""The selective scan of Mamba-2 in its matmul (SSD) form, and the recurrence it must equal.

After Dao and Gu 2024, "Transformers are SSMs". State per head and channel: h_t = a_t h_{t-1} +
dt_t B_t x_t, y_t = C_t h_t, with a_t = exp(-dt_t rate) chosen by the input. One quadratic chunk is
the fastest CPU form up to 32 tokens; longer sequences are cut into chunks that hand on their state.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Scan(Protocol):
    """A form of the selective scan; all forms agree on the same arguments."""

    def __call__(self, x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """Return [B, Q, H, P], see `scan_matmul`."""
        ...


def scan_matmul(x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return [B, Q, H, P], the scan at the last Q tokens as masked attention: no loop over time.

    Args:
        x: [B, T, H, P] values.
        dt: [B, T, H] step sizes >= 0; 0 leaves the state as it is.
        rate: [H] decay rates > 0.
        b: [B, T, N] what a token writes.
        c: [B, Q, N] what each of the last Q <= T tokens reads.
    """
    steps, reads = x.shape[1], c.shape[1]
    log_decay = torch.cumsum(-dt * rate, dim=1).transpose(1, 2)  # [B, H, T]
    spans = log_decay[..., -reads:, None] - log_decay.unsqueeze(-2)  # [B, H, Q, T]
    later = torch.ones(reads, steps, dtype=torch.bool, device=x.device).triu(steps - reads + 1)
    decay = spans.masked_fill(later, float("-inf")).exp()
    weights = torch.bmm(c, b.transpose(1, 2)).unsqueeze(1) * decay  # [B, H, Q, T]
    values = (x * dt.unsqueeze(-1)).transpose(1, 2)  # [B, H, T, P]
    return torch.matmul(weights, values).transpose(1, 2)


class ChunkedScan:
    """The same for sequences longer than one chunk: quadratic inside, a state between chunks."""

    def __init__(self, chunk: int) -> None:
        """Set the tokens of one chunk."""
        self.chunk = chunk

    def __call__(self, x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """Return [B, Q, H, P]; arguments as of `scan_matmul`."""
        steps, reads = x.shape[1], c.shape[1]
        # A single read is linear in T, and one chunk has no state to hand on.
        if reads == 1 or steps <= self.chunk:
            return scan_matmul(x, dt, rate, b, c)
        # Steps of size 0 in front fill the first chunk and change nothing.
        spare = -steps % self.chunk
        x, dt = functional.pad(x, (0, 0, 0, 0, spare, 0)), functional.pad(dt, (0, 0, spare, 0))
        b = functional.pad(b, (0, 0, spare, 0))
        c = functional.pad(c, (0, 0, steps + spare - reads, 0))
        return self._chunks(x, dt, rate, b, c)[:, -reads:]

    def _chunks(self, x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
        rows, steps, heads, channels = x.shape
        count = steps // self.chunk

        def cut(given: Tensor) -> Tensor:
            return given.reshape(rows * count, self.chunk, *given.shape[2:])

        inside = scan_matmul(cut(x), cut(dt), rate, cut(b), cut(c))
        log_decay = torch.cumsum(cut(-dt * rate), dim=1)  # [BK, q, H]
        left = (log_decay[:, -1:] - log_decay).exp() * cut(dt)  # what is left at the chunk's end
        values = (cut(x) * left.unsqueeze(-1)).flatten(2)  # [BK, q, HP]
        written = torch.bmm(values.transpose(1, 2), cut(b)).reshape(
            rows, count, heads, channels, -1
        )
        kept = log_decay[:, -1].exp().reshape(rows, count, heads, 1, 1)
        state = torch.zeros_like(written[:, 0])
        before = []
        for place in range(count):
            before.append(state)
            state = kept[:, place] * state + written[:, place]
        entering = torch.stack(before, dim=1).reshape(rows * count, heads * channels, -1)
        read = torch.bmm(cut(c), entering.transpose(1, 2)).reshape(
            rows * count, self.chunk, heads, channels
        )
        outputs = inside + read * log_decay.exp().unsqueeze(-1)
        return outputs.reshape(rows, steps, heads, channels)


def scan_recurrence(x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return [B, T, H, P] step by step: the definition, slow. `c` is [B, T, N]."""
    batch, steps, heads, channels = x.shape
    state = x.new_zeros(batch, heads, channels, b.shape[-1])
    outputs = []
    for t in range(steps):
        decay = torch.exp(-dt[:, t] * rate)[:, :, None, None]
        write = (x[:, t] * dt[:, t].unsqueeze(-1)).unsqueeze(-1) * b[:, t, None, None, :]
        state = decay * state + write
        outputs.append((state * c[:, t, None, None, :]).sum(-1))
    return torch.stack(outputs, dim=1)
