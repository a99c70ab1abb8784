"""Gaussian mixtures with diagonal covariances: responsibilities and EM (Dempster et al., 1977)."""

from dataclasses import dataclass

import numpy as np

from configs.settings.generators.latent import Estimation, KMeans
from training_jobs.features.latent.arrays import Array, chunks
from training_jobs.features.latent.gaussians import (
    Moments,
    Points,
    log_density,
    points,
    responsibilities,
)
from training_jobs.features.latent.kmeans import canonical, k_means


@dataclass(frozen=True)
class Mixture:
    """A mixture of k Gaussians over d values.

    Attributes:
        weights: (k).
        means: (k, d).
        variances: (k, d).
    """

    weights: Array
    means: Array
    variances: Array


def assign(mixture: Mixture, given: Points) -> tuple[Array, Array]:
    """Return responsibilities, (k, n), and log-likelihoods, (n), of n vectors."""
    density = log_density(given, mixture.means, mixture.variances)
    return responsibilities(density + np.log(mixture.weights)[:, None])


def em_step(
    mixture: Mixture, given: Points, *, pseudo_count: float, min_variance: float
) -> tuple[Mixture, float]:
    """Return the mixture after one step, and the log-likelihood before it."""
    weights = np.full(len(mixture.weights), float(pseudo_count))
    moments = Moments.empty(*mixture.means.shape)
    likelihood = 0.0
    for lanes in chunks(given.values.shape[1]):
        part = Points(
            np.ascontiguousarray(given.values[:, lanes]),
            np.ascontiguousarray(given.present[:, lanes]),
        )
        shares, likely = assign(mixture, part)
        likelihood += float(likely.sum())
        weights += shares.sum(axis=1)
        moments.add(shares, part)
    means, variances = moments.gaussians(min_variance=min_variance)
    return Mixture(weights / weights.sum(), means, variances), likelihood


def fit_mixture(values: Array, components: int, settings: Estimation) -> Mixture:
    """Return the likeliest of the restarts, components in canonical order of their means.

    Args:
        values: (d, n) complete vectors, n > 0; their order is the order of the sums.
        components: number of Gaussians.
        settings: of EM.
    """
    given = points(values)
    fits = [
        _climb(_start(values, components, settings, restart), given, settings)
        for restart in range(settings.restarts)
    ]
    mixture, _ = max(fits, key=lambda fit: fit[1])
    order = canonical(mixture.means)
    return Mixture(mixture.weights[order], mixture.means[order], mixture.variances[order])


def _start(values: Array, components: int, settings: Estimation, restart: int) -> Mixture:
    some = values[:, :: max(1, -(-values.shape[1] // settings.start_rows))]
    one = KMeans(
        centroids=components,
        restarts=1,
        seed=settings.seed + restart,
        iterations=settings.start_steps,
    )
    means = k_means(np.ascontiguousarray(some), one)
    return Mixture(np.full(components, 1 / components), means, np.ones_like(means))


def _climb(mixture: Mixture, given: Points, settings: Estimation) -> tuple[Mixture, float]:
    before = -np.inf
    for _ in range(settings.iterations):
        mixture, likelihood = em_step(
            mixture,
            given,
            pseudo_count=settings.pseudo_count,
            min_variance=settings.min_variance,
        )
        if likelihood - before < settings.tolerance * given.values.size:
            break
        before = likelihood
    return mixture, likelihood
