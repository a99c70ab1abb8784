"""The name is true: a closed loop in event time is seen, and nothing else of the same amounts.

Loop: an oscillation of period 6 events and fixed amplitude whose phase is jittered. Controls with
the very same amounts, dealt out by rank: the real part of a complex AR(1), whose poles are those of
an AR(2) and whose autocorrelation is the loop's, lag by lag; the loop with the phases of its
spectrum shuffled; the loop's events in another order.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.features import topology_bank as small

Floats = NDArray[np.float64]
Draw = np.random.Generator

OMEGA = 2 * np.pi / 6
JITTER = 0.3
NOISE = 0.2
CUSTOMERS = 50


def loop(draw: Draw, events: int) -> Floats:
    """Return a steady oscillation with a jittered phase."""
    phase = draw.uniform(0, 2 * np.pi) + np.cumsum(OMEGA * (1 + JITTER * draw.normal(size=events)))
    return np.sin(phase) + NOISE * draw.normal(size=events)


def autoregressive(draw: Draw, events: int) -> Floats:
    """Return a Gaussian oscillation of the same autocorrelation: r^k cos(omega k), and noise."""
    r = np.exp(-((OMEGA * JITTER) ** 2) / 2)
    kicks = draw.normal(size=events) + 1j * draw.normal(size=events)
    state = np.empty(events, complex)
    state[0] = kicks[0]
    for place in range(1, events):
        state[place] = r * np.exp(1j * OMEGA) * state[place - 1] + np.sqrt(1 - r * r) * kicks[place]
    return np.sqrt(0.5) * state.real + NOISE * draw.normal(size=events)


def phase_shuffled(draw: Draw, events: int) -> Floats:
    """Return a loop with the amplitudes of its spectrum and random phases."""
    spectrum = np.abs(np.fft.rfft(loop(draw, events)))
    return np.fft.irfft(spectrum * np.exp(2j * np.pi * draw.uniform(size=len(spectrum))), events)


def shuffled(draw: Draw, events: int) -> Floats:
    """Return the events of a loop in any order."""
    return draw.permutation(loop(draw, events))


def bought(draw: Draw, customer: str, shape: Floats) -> list[dict[str, object]]:
    """Return purchases whose amounts are one heavy-tailed set, dealt by the rank of `shape`."""
    quantiles = (np.arange(len(shape)) + 0.5) / len(shape)
    amounts = np.sort(5000 * np.exp(0.7 * np.log(quantiles / (1 - quantiles)))).astype(int)
    return small.spaced(customer, amounts[np.argsort(np.argsort(shape))].tolist())


def measured(folder: Path, make: Callable[[Draw, int], Floats], events: int) -> dict[str, Floats]:
    """Return the columns of customers with such sequences."""
    draw = np.random.default_rng(17)
    rows = [
        row
        for number in range(CUSTOMERS)
        for row in bought(draw, f"C{number:03d}", make(draw, events))
    ]
    with small.view_of(folder / make.__name__, rows) as view:
        return {name: col.astype(float) for name, col in small.values(view, small.tda(12)).items()}


def autocorrelation(make: Callable[[Draw, int], Floats], lags: int) -> Floats:
    """Return the autocorrelation of one long sequence."""
    made = make(np.random.default_rng(23), 40_000)
    return np.array([np.corrcoef(made[:-lag], made[lag:])[0, 1] for lag in range(1, lags + 1)])


def test_the_control_has_the_loops_autocorrelation() -> None:
    assert autocorrelation(autoregressive, 12) == pytest.approx(autocorrelation(loop, 12), abs=0.05)
    assert abs(autocorrelation(loop, 12)[5]) > 0.5


@pytest.mark.parametrize("events", [60, 90])
def test_the_longest_loop_tells_a_cycle_from_its_controls(tmp_path: Path, events: int) -> None:
    steady = measured(tmp_path, loop, events)
    for control in (autoregressive, phase_shuffled, shuffled):
        other = measured(tmp_path, control, events)
        assert small.auc(steady["loop_max"], other["loop_max"]) >= 0.75, control.__name__
        # Small loops arise from any noise: their number or sum is not what tells.
        assert small.auc(steady["loop_sd"], other["loop_sd"]) >= 0.7, control.__name__
