"""The latent state of a block at an `as_of`, made again, and fresh futures from it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import begin
from training_jobs.data.synthetic.outcomes import Course
from training_jobs.data.synthetic.random import Draws, Floats, Ints
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.stepping import advance

_SPACING = 1_000_003
"""Distance of the seeds of two paths; no bank of a test or an evaluation has such a seed."""


@dataclass(frozen=True)
class Fork:
    """A block at an `as_of`.

    Attributes:
        state: latent state at its end.
        prior: [n] mean number of products of the last `prior_months`.
        observed: [n] months since joining, within the observed months.
        rows: [k] rows observed long enough to be examples.
        horizon: months of the label window.
    """

    state: State
    prior: Floats
    observed: Ints
    rows: Ints
    horizon: int


def fork(
    settings: BankSettings,
    catalogue: Catalogue,
    *,
    seed: int,
    start: int,
    stop: int,
    months: int,
    as_of: int,
    horizon: int,
    prior_months: int,
    min_observed: int,
) -> Fork:
    """Replay a block up to observed month `as_of` (1 = the first), without card events."""
    state = begin(settings, catalogue, Draws(seed), start=start, stop=stop, months=months)
    last = settings.burn_in_months + as_of - 1
    counts = []
    for month in range(last + 1):
        advance(state, month)
        if month > last - prior_months:
            counts.append((state.held & state.present[:, None]).sum(axis=1))
    since = np.maximum(state.people.joined, settings.burn_in_months)
    observed = np.maximum(last - since + 1, 0)
    return Fork(
        state=state,
        prior=np.mean(counts, axis=0),
        observed=observed,
        rows=np.flatnonzero(observed >= min_observed),
        horizon=horizon,
    )


def _branch(state: State, draws: Draws) -> State:
    """Return a copy that can go its own way, with other random numbers."""
    return replace(
        state,
        draws=draws,
        held=state.held.copy(),
        hazard=state.hazard.copy(),
        until=state.until.copy(),
        adoption=state.adoption.copy(),
    )


def course(origin: Fork, draws: Draws) -> Course:
    """Return what happens in the label window with these random numbers."""
    state = _branch(origin.state, draws)
    window = []
    for month in range(origin.state.month + 1, origin.state.month + origin.horizon + 1):
        advance(state, month)
        window.append(state.held[origin.rows])
    return Course(
        prior=origin.prior[origin.rows],
        now=origin.state.held[origin.rows],
        window=np.stack(window),
        segment=state.segment[origin.rows],
    )


def actual(origin: Fork) -> Course:
    """Return what did happen: the bank's own random numbers."""
    return course(origin, origin.state.draws)


def futures(origin: Fork, *, paths: int, seed: int) -> Iterator[Course]:
    """Return `paths` independent futures, on draws that no bank uses."""
    for path in range(paths):
        yield course(origin, Draws((seed + 1) * _SPACING + path))
