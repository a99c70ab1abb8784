"""The selective scan on a GPU: the Triton kernels of `mamba-ssm` on the same weights.

`mamba_ssm` cannot be imported without CUDA, so nothing here is loaded before it is wanted. The
kernels multiply in TF32: against the CPU form expect agreement to about three digits.
"""

import importlib
from typing import Protocol, cast

from torch import Tensor
from torch.nn import functional

MODULE, FUNCTION = "mamba_ssm.ops.triton.ssd_combined", "mamba_chunk_scan_combined"


class Kernel(Protocol):
    """`mamba_chunk_scan_combined` of mamba-ssm 2.3, as far as it is used here."""

    def __call__(
        self, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, chunk_size: int
    ) -> Tensor:
        """Return [batch, seqlen, nheads, headdim].

        Args:
            x: [batch, seqlen, nheads, headdim].
            dt: [batch, seqlen, nheads], used as it is: neither bias nor softplus by default.
            A: [nheads], negative: the state decays by exp(dt A).
            B: [batch, seqlen, ngroups, dstate].
            C: [batch, seqlen, ngroups, dstate].
            chunk_size: tokens of one chunk.
        """
        ...


def load_kernel() -> Kernel:
    """Return the kernel. Raises ImportError where `mamba_ssm` or CUDA is missing."""
    return cast(Kernel, getattr(importlib.import_module(MODULE), FUNCTION))


class KernelScan:
    """The form of the scan that runs through a kernel; arguments as of `scan_matmul`."""

    def __init__(self, kernel: Kernel, chunk: int) -> None:
        """Set the kernel and the tokens of one of its chunks."""
        self.kernel, self.chunk = kernel, chunk

    def __call__(self, x: Tensor, dt: Tensor, rate: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """Return [B, Q, H, P]."""
        steps, reads = x.shape[1], c.shape[1]
        # The kernel reads at every token; what is read before the last Q is thrown away.
        c = functional.pad(c, (0, 0, steps - reads, 0))
        read = self.kernel(
            x.contiguous(),
            dt.contiguous(),
            -rate,
            b.unsqueeze(2).contiguous(),
            c.unsqueeze(2).contiguous(),
            self.chunk,
        )
        return read[:, -reads:]
