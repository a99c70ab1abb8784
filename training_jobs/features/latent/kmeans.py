"""k-means: Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, 2007), by seed."""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.latent import KMeans
from training_jobs.features.latent.arrays import Array


def squared_distances(values: Array, centroids: Array) -> Array:
    """Return squared Euclidean distances of n vectors (d, n) to k centroids (k, d): (k, n)."""
    total = np.zeros((len(centroids), values.shape[1]))
    for place in range(values.shape[0]):
        term = values[place] - centroids[:, place, None]
        total += term * term
    return total


def canonical(centroids: Array) -> NDArray[np.int64]:
    """Return the order by the first coordinate, ties by the next ones."""
    return np.lexsort(centroids.T[::-1]).astype(np.int64)


def k_means(values: Array, settings: KMeans) -> Array:
    """Return the centroids (k, d) of the tightest restart, in canonical order.

    Args:
        values: (d, n) complete vectors, n > 0; their order fixes the order of sums and draws.
        settings: number of centroids, restarts, seed, steps.
    """
    best, tightest = np.zeros((settings.centroids, len(values))), np.inf
    for restart in range(settings.restarts):
        draw = np.random.default_rng(settings.seed + restart)
        centroids, inertia = _lloyd(values, _spread(values, settings.centroids, draw), settings)
        if inertia < tightest:
            best, tightest = centroids, inertia
    return best[canonical(best)]


def _spread(values: Array, count: int, draw: np.random.Generator) -> Array:
    """Draw starts far apart: each by the squared distance to the nearest one before it."""
    size = values.shape[1]
    chosen = [int(draw.integers(size))]
    nearest = np.full(size, np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, squared_distances(values, values[:, chosen[-1:]].T)[0])
        up_to = np.cumsum(nearest)
        # Fewer distinct vectors than centroids: those left over repeat one.
        place = np.searchsorted(up_to, draw.random() * up_to[-1], side="right")
        chosen.append(min(int(place), size - 1))
    return np.ascontiguousarray(values[:, chosen].T)


def _lloyd(values: Array, centroids: Array, settings: KMeans) -> tuple[Array, float]:
    labels = np.full(values.shape[1], -1)
    for _ in range(settings.iterations):
        distances = squared_distances(values, centroids)
        found = distances.argmin(axis=0)
        if (found == labels).all():
            break
        labels = found
        counts = np.bincount(labels, minlength=len(centroids))
        sums = [np.bincount(labels, weights=row, minlength=len(centroids)) for row in values]
        means = np.array(sums).T / np.maximum(counts, 1)[:, None]
        centroids = np.where(counts[:, None] > 0, means, centroids)
    return centroids, float(squared_distances(values, centroids).min(axis=0).sum())
