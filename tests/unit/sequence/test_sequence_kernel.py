"""The GPU form calls the kernel as documented and gives what the CPU form gives."""

import inspect

import pytest
import torch
from torch import Tensor

from tests.unit.sequence.sequences import SHAPE, cycling, reader_of
from training_jobs.sequence.encoder import EventEncoder, load_encoder, weight_arrays
from training_jobs.sequence.kernel import KernelScan, load_kernel
from training_jobs.sequence.windows import Batch, newest

TOLERANCE = 5e-3
"""TF32 keeps ten bits of the mantissa."""


def missing() -> str:
    """Return why the kernel cannot run here, '' if it can."""
    if not torch.cuda.is_available():
        return "no GPU here"
    try:
        load_kernel()
    except ImportError as error:
        return f"mamba_ssm cannot be imported: {error}"
    return ""


def fake_kernel(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    chunk_size: int,
    D: Tensor | None = None,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    initial_states: Tensor | None = None,
    seq_idx: Tensor | None = None,
    cu_seqlens: Tensor | None = None,
    dt_softplus: bool = False,
    dt_limit: tuple[float, float] = (0.0, float("inf")),
    return_final_states: bool = False,
    return_varlen_states: bool = False,
) -> Tensor:
    """`mamba_chunk_scan_combined` of mamba-ssm 2.3.2.post1 by its documentation: the recurrence.

    Its checks of shape and layout are those of the real one's forward pass.
    """
    batch, seqlen, nheads, headdim = x.shape
    _, _, ngroups, dstate = B.shape
    assert nheads % ngroups == 0
    assert B.shape == C.shape == (batch, seqlen, ngroups, dstate)
    assert dt.shape == (batch, seqlen, nheads)
    assert A.shape == (nheads,)
    assert (A < 0).all(), "the state decays by exp(dt A)"
    assert isinstance(chunk_size, int)
    for given in (x, dt, B, C):
        assert given.is_contiguous()
    assert D is z is dt_bias is initial_states is seq_idx is cu_seqlens is None
    assert not any((dt_softplus, return_final_states, return_varlen_states))
    dt = dt.clamp(*dt_limit)
    group = torch.arange(nheads) // (nheads // ngroups)
    state = x.new_zeros(batch, nheads, headdim, dstate)
    outputs = []
    for t in range(seqlen):
        write = torch.einsum("bhp,bhn,bh->bhpn", x[:, t], B[:, t][:, group], dt[:, t])
        state = torch.exp(dt[:, t] * A)[..., None, None] * state + write
        outputs.append(torch.einsum("bhpn,bhn->bhp", state, C[:, t][:, group]))
    return torch.stack(outputs, dim=1)


def trained_alike() -> tuple[EventEncoder, Batch]:
    """An encoder with weights away from their starts, and windows with padding."""
    torch.manual_seed(0)
    encoder = EventEncoder(SHAPE, categories=7)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    history = cycling(20, events=11)
    return encoder.eval().requires_grad_(False), reader_of(history, 14).read(newest(history))


def test_the_gpu_form_gives_the_embedding_of_the_cpu_form_through_the_documented_kernel() -> None:
    encoder, batch = trained_alike()
    calls = []

    def kernel(x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, chunk_size: int) -> Tensor:
        calls.append((tuple(x.shape), tuple(B.shape), chunk_size))
        return fake_kernel(x, dt, A, B, C, chunk_size)

    gpu = load_encoder(
        SHAPE, weight_arrays(encoder), categories=7, scan=KernelScan(kernel, SHAPE.scan_chunk)
    )
    torch.testing.assert_close(gpu.embed(batch), encoder.embed(batch), rtol=1e-5, atol=1e-6)
    headdim = SHAPE.model_dim // SHAPE.heads
    expected = ((20, 14, SHAPE.heads, headdim), (20, 14, 1, SHAPE.state_dim), SHAPE.scan_chunk)
    assert calls == [expected] * SHAPE.blocks


@pytest.mark.parametrize("reads", [1, 3, 9])
def test_fewer_reads_are_the_last_of_all_reads(reads: int) -> None:
    rng = torch.Generator().manual_seed(1)
    x, b, c = (torch.randn(2, 9, *shape, generator=rng) for shape in ((3, 4), (5,), (5,)))
    dt, rate = torch.rand(2, 9, 3, generator=rng), torch.rand(3, generator=rng)
    scan = KernelScan(fake_kernel, 4)
    whole = scan(x, dt, rate, b, c)
    assert torch.equal(scan(x, dt, rate, b, c[:, -reads:]), whole[:, -reads:])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_cuda_the_kernel_is_an_import_error_and_not_a_crash() -> None:
    with pytest.raises(ImportError):
        load_kernel()


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_real_kernel_has_the_documented_parameters_in_order() -> None:
    real = list(inspect.signature(load_kernel()).parameters)
    assert real[:6] == list(inspect.signature(fake_kernel).parameters)[:6]


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_real_kernel_gives_the_embedding_of_the_cpu_form() -> None:
    encoder, batch = trained_alike()
    device = torch.device("cuda")
    gpu = load_encoder(
        SHAPE,
        weight_arrays(encoder),
        categories=7,
        scan=KernelScan(load_kernel(), SHAPE.scan_chunk),
    ).to(device)
    found = gpu.embed(batch.to(device)).cpu()
    torch.testing.assert_close(found, encoder.embed(batch), rtol=TOLERANCE, atol=TOLERANCE)
