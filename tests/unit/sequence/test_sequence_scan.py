"""Every form of the scan is the recurrence; padding takes no part; nothing reads the future."""

import pytest
import torch
from torch import Tensor, nn

from training_jobs.sequence.block import SelectiveBlock, causal_convolution
from training_jobs.sequence.scan import ChunkedScan, scan_matmul, scan_recurrence

Arguments = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def arguments(steps: int, *, seed: int = 1, dtype: torch.dtype = torch.float64) -> Arguments:
    """x, dt, rate, b and c of two sequences, three heads of four channels, state of five."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    x, dt, rate = draw(2, steps, 3, 4), draw(2, steps, 3).abs(), draw(3).abs() + 0.1
    dt[:, steps // 2] = 0
    made = (x, dt, rate, draw(2, steps, 5), draw(2, steps, 5))
    return tuple(part.to(dtype) for part in made)  # type: ignore[return-value]


@pytest.mark.parametrize("reads", [1, 3, 9])
def test_fast_scan_equals_the_recurrence(reads: int) -> None:
    x, dt, rate, b, c = arguments(9)
    expected = scan_recurrence(x, dt, rate, b, c)[:, -reads:]
    torch.testing.assert_close(scan_matmul(x, dt, rate, b, c[:, -reads:]), expected)


@pytest.mark.parametrize("steps", [1, 4, 5, 12, 13, 64])
@pytest.mark.parametrize("chunk", [2, 4, 5, 100])
def test_a_scan_in_chunks_equals_the_recurrence(steps: int, chunk: int) -> None:
    x, dt, rate, b, c = arguments(steps)
    expected = scan_recurrence(x, dt, rate, b, c)
    for reads in {1, steps, max(1, steps - 3)}:
        found = ChunkedScan(chunk)(x, dt, rate, b, c[:, -reads:])
        torch.testing.assert_close(found, expected[:, -reads:])


def test_chunks_hand_on_their_state() -> None:
    x, dt, rate, b, c = arguments(12)
    slow = rate * 1e-3
    changed = x.clone()
    changed[:, 0] += 1
    scan = ChunkedScan(4)
    moved = scan(changed, dt, slow, b, c) - scan(x, dt, slow, b, c)
    assert float(moved[:, -1].abs().min()) > 0


def test_gradients_of_the_chunked_scan_are_those_of_the_recurrence() -> None:
    given = [part.requires_grad_() for part in arguments(11)]
    fast = torch.autograd.grad(ChunkedScan(4)(*given).square().sum(), given)
    slow = torch.autograd.grad(scan_recurrence(*given).square().sum(), given)
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other)


def test_strong_decay_over_a_long_sequence_stays_finite_in_single_precision() -> None:
    x, dt, rate, b, c = arguments(200, dtype=torch.float32)
    found = ChunkedScan(32)(x, dt * 50, rate * 50, b, c)
    expected = scan_recurrence(x, dt * 50, rate * 50, b, c)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_convolution_is_causal_and_equals_its_definition() -> None:
    x, taps = torch.randn(2, 6, 3), torch.randn(3, 3)
    expected = torch.zeros_like(x)
    for t in range(6):
        for lag in range(3):
            if t - lag >= 0:
                expected[:, t] += x[:, t - lag] * taps[2 - lag]
    torch.testing.assert_close(causal_convolution(x, taps), expected)


def block(scan: ChunkedScan | None = None) -> SelectiveBlock:
    """A block whose biases are not zero, as after training."""
    torch.manual_seed(0)
    made = SelectiveBlock(
        dim=8, state=4, heads=2, conv_width=3, scan=scan or scan_matmul, linear=nn.Linear
    )
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval()


def test_a_token_changes_itself_and_later_ones_only() -> None:
    made, values = block(), torch.randn(1, 10, 8)
    changed = values.clone()
    changed[:, 6] = torch.randn(8)
    valid = torch.ones(1, 10, dtype=torch.bool)
    with torch.no_grad():
        moved = (made(values, valid, 10) - made(changed, valid, 10)).abs().amax(dim=(0, 2))
    assert moved[:6].tolist() == [0.0] * 6
    assert float(moved[6:].min()) > 1e-4


def test_padding_in_front_changes_no_token() -> None:
    made, values = block(), torch.randn(3, 5, 8)
    valid = torch.ones(3, 5, dtype=torch.bool)
    padded = torch.cat([torch.randn(3, 4, 8) * 9, values], dim=1)
    seen = torch.cat([torch.zeros(3, 4, dtype=torch.bool), valid], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(
            made(padded, seen, 5), made(values, valid, 5), rtol=1e-6, atol=1e-6
        )


def test_the_form_of_the_scan_does_not_change_the_block() -> None:
    values, valid = torch.randn(2, 11, 8), torch.ones(2, 11, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(
            block()(values, valid, 11), block(ChunkedScan(3))(values, valid, 11)
        )
