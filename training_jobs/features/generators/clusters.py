"""Group 12: which of twenty kinds of customers this one is like, by a Gaussian mixture."""

import numpy as np

from configs.settings.generators.latent import GaussianMixtureParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.latent.aggregates import aggregates, scale_of, standardised, to_fit
from training_jobs.features.latent.arrays import Array, add_up, chunks
from training_jobs.features.latent.gaussians import points
from training_jobs.features.latent.mixture import Mixture, assign, fit_mixture
from training_jobs.features.latent.scaling import read_scale
from training_jobs.features.registry import GENERATORS

MIXTURE = ("weights", "means", "variances")
PREFIX = "aggregate_"
MISSING = 0


@GENERATORS.register("gaussian_mixture")
class GaussianMixture(Generator[GaussianMixtureParameters]):
    """Responsibility of each component, their entropy in nats, the likeliest component.

    The components, ordered by their mean of the first aggregate that varies, are Gaussians with
    diagonal covariances over standardised aggregates; what a customer lacks is imputed by the
    median of the fit sample. Without an observed month, and for everyone under the least number of
    varying aggregates, the cluster is 0 and the rest is missing.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn the scale of the aggregates and the mixture."""
        numbers = aggregates(view, self.bank, self.parameters.aggregates)
        scale = scale_of(numbers, self.parameters.aggregates)
        saved = scale.saved(PREFIX)
        if len(scale.names) < self.parameters.aggregates.least:
            return saved
        vectors = to_fit(numbers, scale, view.customers)
        mixture = fit_mixture(vectors, self.parameters.components, self.parameters.estimation)
        return Fitted(
            saved.values, {**saved.arrays, **{name: getattr(mixture, name) for name in MIXTURE}}
        )

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare components + 2 columns."""
        del fitted
        count = self.parameters.components
        return (
            *(Column(f"cluster_responsibility_{number}") for number in range(1, count + 1)),
            Column("cluster_entropy"),
            Column("cluster", kind="categorical", cardinality=count + 1),
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, components + 2)."""
        count = self.parameters.components
        values = np.full((count + 2, view.rows), np.nan)
        values[-1] = MISSING
        if "weights" in fitted.arrays:
            settings = self.parameters.aggregates
            scale = read_scale(fitted, PREFIX, limit=settings.limit)
            mixture = Mixture(*(fitted.arrays[name] for name in MIXTURE))
            numbers = aggregates(view, self.bank, settings)
            vectors = standardised(numbers, scale)
            for lanes in chunks(view.rows):
                shares, _ = assign(mixture, points(vectors[:, lanes]))
                made = np.concatenate([shares, [entropy(shares), shares.argmax(axis=0) + 1.0]])
                values[:, lanes] = np.where(numbers.known[lanes], made, values[:, lanes])
        return values.T.astype(np.float32)


def entropy(shares: Array) -> Array:
    """Return the entropy in nats of shares (k, n): 0 = certain, log k = anything."""
    return np.maximum(-add_up(shares * np.log(np.where(shares > 0, shares, 1.0))), 0.0)
