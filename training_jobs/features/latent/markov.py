"""Gaussian hidden Markov models over many short series at once: filtering, smoothing, EM steps.

The scaled recursions of Rabiner, "A Tutorial on Hidden Markov Models" (1989), section V.A, one
customer a lane. A series starts at the customer's first observed month; a later gap is bridged by
the transitions alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.latent.arrays import Array, add_up, chunks
from training_jobs.features.latent.gaussians import Moments, Points, log_density


@dataclass(frozen=True)
class Chain:
    """A hidden Markov model of k states over d values.

    Attributes:
        start: (k) probabilities of the first month.
        transitions: (k, k) from row to column.
        means: (k, d).
        variances: (k, d).
    """

    start: Array
    transitions: Array
    means: Array
    variances: Array

    @property
    def states(self) -> int:
        """Number of states k."""
        return len(self.start)

    def ordered(self, order: NDArray[np.int64]) -> "Chain":
        """Return the same model with its states renumbered."""
        return Chain(
            self.start[order],
            self.transitions[np.ix_(order, order)],
            self.means[order],
            self.variances[order],
        )


@dataclass(frozen=True)
class Sequences:
    """The series of n customers over the same t months, oldest first.

    Attributes:
        points: (t, d, n).
        first: (n) first observed month, t where there is none.
    """

    points: Points
    first: NDArray[np.int64]

    def at(self, month: int) -> Points:
        """Return the d values of a month."""
        return Points(self.points.values[month], self.points.present[month])

    def take(self, lanes: slice | NDArray[np.int64]) -> "Sequences":
        """Return the series of some customers."""
        return Sequences(
            Points(
                np.ascontiguousarray(self.points.values[..., lanes]),
                np.ascontiguousarray(self.points.present[..., lanes]),
            ),
            self.first[lanes],
        )


def sequences(values: Array, observed: NDArray[np.bool_]) -> Sequences:
    """Return the series of (t, d, n) values, NaN = missing.

    Args:
        values: standardised values.
        observed: (t, n) whether the bank has a record of the month; others are missing whole.
    """
    kept = np.where(observed[:, None, :], values, np.nan)
    missing = np.isnan(kept)
    first = np.where(observed.any(axis=0), observed.argmax(axis=0), len(observed))
    return Sequences(Points(np.where(missing, 0.0, kept), 1.0 - missing), first.astype(np.int64))


@dataclass(frozen=True)
class Smoothed:
    """What the recursions say; before a customer's first month a value means nothing.

    Attributes:
        log_likelihood: (n).
        filtered: (t, k, n) P(state of a month | that month and those before).
        ahead: (t, k, n) factor by which a month and those after it change the probability of its
            state given those before.
        smoothed: (t, k, n) P(state of a month | all months).
    """

    log_likelihood: Array
    filtered: Array
    ahead: Array
    smoothed: Array


def smooth(chain: Chain, given: Sequences) -> Smoothed:
    """Run the forward and backward recursions."""
    months, _, count = given.points.values.shape
    filtered = np.empty((months, chain.states, count))
    ahead = np.empty_like(filtered)
    start = np.broadcast_to(chain.start[:, None], (chain.states, count))
    likelihood = np.zeros(count)
    for month in range(months):
        log_emitted = log_density(given.at(month), chain.means, chain.variances)
        peak = log_emitted.max(axis=0)
        emitted = np.exp(log_emitted - peak)
        expected = start
        if month:
            moved = _forward(chain.transitions, filtered[month - 1])
            expected = np.where(month > given.first, moved, start)
        joint = expected * emitted
        total = add_up(joint)
        filtered[month] = joint / total
        ahead[month] = emitted / total
        likelihood += np.log(total) + peak
    smoothed = np.empty_like(filtered)
    smoothed[-1] = filtered[-1]
    for month in range(months - 2, -1, -1):
        beta = _backward(chain.transitions, ahead[month + 1])
        smoothed[month] = filtered[month] * beta
        ahead[month] *= beta
    return Smoothed(likelihood, filtered, ahead, smoothed)


def _forward(transitions: Array, filtered: Array) -> Array:
    total: Array = transitions[0][:, None] * filtered[0]
    for state in range(1, len(filtered)):
        total += transitions[state][:, None] * filtered[state]
    return total


def _backward(transitions: Array, ahead: Array) -> Array:
    total: Array = transitions[:, :1] * ahead[0]
    for state in range(1, len(ahead)):
        total += transitions[:, state, None] * ahead[state]
    return total


def moves(chain: Chain, given: Sequences, passed: Smoothed) -> Array:
    """Return the expected number of moves of each customer from state to state, (k, k, n)."""
    total = np.zeros((chain.states, chain.states, len(given.first)))
    for month in range(1, len(passed.filtered)):
        before = passed.filtered[month - 1] * (month > given.first)
        step = before[:, None] * passed.ahead[month][None]
        step *= chain.transitions[:, :, None]
        total += step
    return total


def em_step(
    chain: Chain, given: Sequences, *, pseudo_count: float, min_variance: float
) -> tuple[Chain, float]:
    """Return the model after one Baum-Welch step, and the log-likelihood before it.

    Sums over customers run in their order, in chunks of fixed size: the same order gives the same
    bytes.
    """
    started = np.full(chain.states, float(pseudo_count))
    moved = np.zeros((chain.states, chain.states))
    moments = Moments.empty(*chain.means.shape)
    likelihood = 0.0
    for lanes in chunks(len(given.first)):
        part = given.take(lanes)
        passed = smooth(chain, part)
        likelihood += float(passed.log_likelihood.sum())
        for month in range(len(passed.smoothed)):
            started += (passed.smoothed[month] * (month == part.first)).sum(axis=1)
            moments.add(passed.smoothed[month], part.at(month))
            if month:
                before = passed.filtered[month - 1] * (month > part.first)
                moved += np.einsum("in,jn->ij", before, passed.ahead[month])
    transitions = moved * chain.transitions + pseudo_count
    means, variances = moments.gaussians(min_variance=min_variance)
    return (
        Chain(
            started / started.sum(),
            transitions / transitions.sum(axis=1, keepdims=True),
            means,
            variances,
        ),
        likelihood,
    )
