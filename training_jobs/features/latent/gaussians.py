"""Gaussians with diagonal covariances over incomplete vectors: densities and moments.

A missing coordinate is integrated out: under a diagonal covariance it adds nothing to the log
density, and its coordinate of a mean or variance is estimated from those who have it.
"""

from dataclasses import dataclass

import numpy as np

from training_jobs.features.latent.arrays import Array, add_up


@dataclass(frozen=True)
class Points:
    """Incomplete vectors.

    Attributes:
        values: (..., coordinates, n), 0 where missing.
        present: the same shape, 1 where present, 0 where missing.
    """

    values: Array
    present: Array


def points(values: Array) -> Points:
    """Return vectors in which NaN is missing."""
    missing = np.isnan(values)
    return Points(
        np.ascontiguousarray(np.where(missing, 0.0, values)),
        np.ascontiguousarray(1.0 - missing),
    )


def log_density(given: Points, means: Array, variances: Array) -> Array:
    """Return the log density of n vectors under k Gaussians, shape (k, n).

    Args:
        given: n vectors of d coordinates.
        means: (k, d).
        variances: (k, d), above 0.
    """
    constants = -0.5 * np.log(2 * np.pi * variances)
    halves = -0.5 / variances
    total = np.zeros((len(means), given.values.shape[-1]))
    for place in range(means.shape[1]):
        term = given.values[place] - means[:, place, None]
        term *= term
        term *= halves[:, place, None]
        term += constants[:, place, None]
        term *= given.present[place]
        total += term
    return total


def responsibilities(log_joint: Array) -> tuple[Array, Array]:
    """Return P(component | vector), (k, n), and the log-likelihood, (n,), from log P(both)."""
    peak = log_joint.max(axis=0)
    shares = np.exp(log_joint - peak)
    total = add_up(shares)
    shares /= total
    return shares, np.log(total) + peak


@dataclass
class Moments:
    """Sums over customers for each component and coordinate: (k, d) each."""

    mass: Array
    first: Array
    second: Array

    @classmethod
    def empty(cls, components: int, coordinates: int) -> "Moments":
        """Return sums over nobody."""
        return cls(*(np.zeros((components, coordinates)) for _ in range(3)))

    def add(self, shares: Array, given: Points) -> None:
        """Add n vectors, each to component j by `shares[j]`, (k, n)."""
        # einsum without `optimize` sums in numpy's own loops, in one order whatever the threads.
        self.mass += np.einsum("kn,dn->kd", shares, given.present)
        self.first += np.einsum("kn,dn->kd", shares, given.values)
        self.second += np.einsum("kn,dn,dn->kd", shares, given.values, given.values)

    def gaussians(self, *, min_variance: float) -> tuple[Array, Array]:
        """Return means and variances, (k, d) each.

        A coordinate that nobody of a component has stays at the mean 0 and variance 1 of the
        standardised sample.
        """
        known = self.mass > 0
        mass = np.where(known, self.mass, 1.0)
        means = np.where(known, self.first / mass, 0.0)
        spread = self.second / mass - means * means
        return means, np.where(known, np.maximum(spread, min_variance), 1.0)
