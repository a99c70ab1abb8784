"""The rank of each amount in event time: in the order of an AR(2) control, or of a closed loop.

Loop: the angle advances by 2 pi / period and a jitter, the amplitude is fixed. Its
autocorrelation at lag k is exp(-k jitter^2 / 2) cos(2 pi k / period); the control is the AR(2)
process with the same one (`control_of`). The month's amounts are drawn
beforehand and only dealt to its events in the order of the score, so that every month has one and
the same distribution of amounts whichever of the two is on.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.mechanisms.base import EventBatch
from training_jobs.data.synthetic.random import Floats, Stream
from training_jobs.data.synthetic.state import State

Complexes = NDArray[np.complex128]
_JITTER, _NOISE, _RANK = 100_000, 200_000, 300_000
"""First index of the three kinds of draws among those of amounts."""


@dataclass(frozen=True)
class Control:
    """AR(2) as a complex AR(1): x = Im(root z) / Im(root), z <- root z + noise.

    Attributes:
        root: [n] root of the process.
        deviation: [n] stationary deviation of x.
    """

    root: Complexes
    deviation: Floats


def control_of(period: Floats, jitter: float) -> Control:
    """Return the control with the loop's frequency and decay of autocorrelation.

    An AR(2) process with roots r exp(+-i angle) has the autocorrelation r^k cos(k angle) and a
    sine that is small with r near 1: with the loop's own r and angle the two are equal to within
    0.055 at every lag up to 8, which no match at lags 1 and 2 alone (Yule-Walker) comes near.

    Args:
        period: [n] events in one loop.
        jitter: standard deviation of a step's angle, in radians.
    """
    angle, keep = 2 * np.pi / period, np.exp(-0.5 * jitter**2)
    first, second = 2 * keep * np.cos(angle), -(keep**2)
    variance = (1 - second) / ((1 + second) * ((1 - second) ** 2 - first**2))
    return Control(keep * np.exp(1j * angle), np.sqrt(variance))


def initial_swing(period: Floats, settings: BankSettings, uniforms: list[Floats]) -> Complexes:
    """Return [n] a start of the control's state near its stationary distribution."""
    control = control_of(period, settings.traces.shape_jitter)
    size = np.sqrt(-np.log(uniforms[0]) / (1 - np.abs(control.root) ** 2))
    start: Complexes = size * np.exp(2j * np.pi * uniforms[1])
    return start


def levels(state: State, batch: EventBatch) -> Floats:
    """Return [e] ranks in (0, 1) of the month's amounts; advances loop and control."""
    jitter = state.settings.traces.shape_jitter
    ids, month = state.people.ids[batch.row], state.month
    counts = np.bincount(batch.row, minlength=state.size)
    width = int(counts.max(initial=0)) + 1
    cells = (batch.row, batch.index + 1)
    # Padded to one row a customer, so that a sum never crosses from one customer to another.
    turn = np.zeros((state.size, width))
    turn[cells] = 2 * np.pi / state.people.period[batch.row] + jitter * state.draws.normal(
        Stream.EVENT_AMOUNT, ids, month=month, index=_JITTER + batch.index
    )
    angle = state.phase[:, None] + np.cumsum(turn, axis=1)
    noise = np.zeros((state.size, width))
    noise[cells] = state.draws.normal(
        Stream.EVENT_AMOUNT, ids, month=month, index=_NOISE + batch.index
    )
    control = control_of(state.people.period, jitter)
    power = control.root[:, None] ** np.arange(width)[None, :]
    swing = power * (state.swing[:, None] + np.cumsum(noise / power, axis=1))
    last = (np.arange(state.size), counts)
    state.phase = angle[last] % (2 * np.pi)
    state.swing = swing[last]
    value = (control.root[:, None] * swing).imag / control.root.imag[:, None]
    loop = 0.5 + np.arcsin(np.sin(angle[cells])) / np.pi
    wander = ndtr(value[cells] / control.deviation[batch.row])
    score = np.where(batch.steady, loop, wander)
    rank = state.draws.uniform(Stream.EVENT_AMOUNT, ids, month=month, index=_RANK + batch.index)
    level = np.empty(len(score))
    level[np.lexsort((score, batch.row))] = rank[np.lexsort((rank, batch.row))]
    return level
