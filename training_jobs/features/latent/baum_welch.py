"""Fitting hidden Markov models: k-means starts, EM to convergence, the likeliest restart."""

import numpy as np

from configs.settings.generators.latent import ChainEstimation, KMeans
from training_jobs.features.latent.arrays import Array
from training_jobs.features.latent.kmeans import canonical, k_means
from training_jobs.features.latent.markov import Chain, Sequences, em_step


def fit_chain(given: Sequences, states: int, settings: ChainEstimation) -> Chain:
    """Return the likeliest of the restarts, its states ordered by their first mean.

    Args:
        given: series of n > 0 customers; their order is the order of the sums.
        states: number of states.
        settings: of EM.
    """
    fits = [
        _climb(_start(given, states, settings, restart), given, settings)
        for restart in range(settings.restarts)
    ]
    chain, _ = max(fits, key=lambda fit: fit[1])
    return chain.ordered(canonical(chain.means))


def _start(given: Sequences, states: int, settings: ChainEstimation, restart: int) -> Chain:
    rows = _some_months(given, settings.start_rows)
    one = KMeans(
        centroids=states,
        restarts=1,
        seed=settings.seed + restart,
        iterations=settings.start_steps,
    )
    means = k_means(rows, one)
    stay = settings.start_stay
    moving = (1 - stay) / (states - 1)
    return Chain(
        start=np.full(states, 1 / states),
        transitions=np.full((states, states), moving) + (stay - moving) * np.eye(states),
        means=means,
        variances=np.ones_like(means),
    )


def _some_months(given: Sequences, most: int) -> Array:
    """Return evenly spaced observed months, (d, m); what is missing in one is at its mean, 0."""
    months = np.arange(len(given.points.values))[:, None]
    month, customer = np.nonzero(months >= given.first)
    kept = np.arange(0, len(month), max(1, -(-len(month) // most)))
    return np.ascontiguousarray(given.points.values[month[kept], :, customer[kept]].T)


def _climb(chain: Chain, given: Sequences, settings: ChainEstimation) -> tuple[Chain, float]:
    size, before = max(1.0, float(given.points.present.sum())), -np.inf
    for _ in range(settings.iterations):
        chain, likelihood = em_step(
            chain,
            given,
            pseudo_count=settings.pseudo_count,
            min_variance=settings.min_variance,
        )
        if likelihood - before < settings.tolerance * size:
            break
        before = likelihood
    return chain, likelihood
