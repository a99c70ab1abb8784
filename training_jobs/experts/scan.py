"""The selective scan of Mamba-2 in its matmul (SSD) form, and the recurrence it must equal.

After Dao and Gu 2024, "Transformers are SSMs". State per head and channel: h_t = a_t h_{t-1} +
dt_t B_t x_t, y_t = C_t h_t, with a_t = exp(-dt_t rate) chosen by the input. One quadratic chunk is
the fastest CPU form up to 32 tokens; the temporal expert patches events to at most that many.
"""

import torch
from torch import Tensor


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


def scan_recurrence(x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return the same as `scan_matmul` step by step: the definition, slow."""
    batch, steps, heads, channels = x.shape
    state = x.new_zeros(batch, heads, channels, b.shape[-1])
    outputs = []
    for t in range(steps):
        decay = torch.exp(-dt[:, t] * rate)[:, :, None, None]
        write = (x[:, t] * dt[:, t].unsqueeze(-1)).unsqueeze(-1) * b[:, t, None, None, :]
        state = decay * state + write
        outputs.append((state * c[:, t, None, None, :]).sum(-1))
    return torch.stack(outputs, dim=1)
