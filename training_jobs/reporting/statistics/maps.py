"""Two-dimensional views of all decision inputs: principal components and t-SNE of scikit-learn."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from configs.settings.pictures import MapPictures
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.sample import Sample

Floats = NDArray[np.float64]


def map_inputs(sample: Sample, rows: NDArray[np.int64], clip: float) -> Floats:
    """Return [rows, columns] decision inputs as the views see them.

    Each on its own scale, less the mean and over the deviation of the fit sample, drawn in at
    `clip` deviations; missing is the mean. A group weighs as one, however many columns it has.
    Categorical columns are left out: their codes have no distance.
    """
    blocks = []
    usable = [
        (place, column, column.mean, column.sd)
        for place, column in enumerate(sample.columns)
        if column.decides and column.mean is not None and column.sd
    ]
    sizes = Counter(column.group for _, column, _, _ in usable)
    for place, column, mean, sd in usable:
        values = (column.scaled(sample.values[rows, place]) - mean) / sd
        values = np.where(np.isnan(values), 0.0, np.clip(values, -clip, clip))
        blocks.append(values / np.sqrt(sizes[column.group]))
    if len(blocks) < 2:
        raise NotAvailable("fewer than two numeric decision inputs")
    return np.column_stack(blocks)


def principal_view(inputs: Floats, *, seed: int, components: int) -> tuple[Floats, Floats]:
    """Return [rows, components] principal components and their shares of the variance."""
    number = min(components, *inputs.shape)
    with threadpool_limits(1):
        model = PCA(number, svd_solver="full", random_state=seed)
        placed = model.fit_transform(inputs)
    return np.asarray(placed, np.float64), np.asarray(model.explained_variance_ratio_, np.float64)


def neighbour_view(components: Floats, settings: MapPictures, *, seed: int) -> Floats:
    """Return [rows, 2] the t-SNE view of principal components."""
    # More neighbours than there are rows cannot be asked for.
    perplexity = min(settings.perplexity, (len(components) - 1) / 3)
    # One thread: the order of sums decides where points come to lie.
    with threadpool_limits(1):
        model = TSNE(
            2,
            perplexity=perplexity,
            init="pca",
            max_iter=settings.iterations,
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(model.fit_transform(components), np.float64)
