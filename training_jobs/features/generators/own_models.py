"""Group 13: distances to cluster centres, statistics of own trials, states of a fixed network."""

import numpy as np

from configs.settings.generators.latent import ModelDerivedParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.latent.aggregates import aggregates, scale_of, standardised, to_fit
from training_jobs.features.latent.arrays import Array
from training_jobs.features.latent.closed_form import Cell, draw_cell
from training_jobs.features.latent.kmeans import k_means, squared_distances
from training_jobs.features.latent.monthly import consumption
from training_jobs.features.latent.reservoir import AMOUNT, INPUTS, states
from training_jobs.features.latent.scaling import fit_scale, read_scale
from training_jobs.features.latent.trials import posterior, trials
from training_jobs.features.registry import GENERATORS

PREFIX, AMOUNTS = "aggregate_", "amount_"
BANDIT = ("new_category_reuse_mean", "new_category_reuse_sd", "new_category_reuse_upper")


@GENERATORS.register("model_derived")
class ModelDerived(Generator[ModelDerivedParameters]):
    """What three small models say: k-means, a Beta-Bernoulli bandit, an untrained CfC network.

    Distances are Euclidean, over standardised aggregates with missing ones at their median; they
    are missing without an observed month. The
    bandit's columns are missing for a customer without a categorised event, and the prior stands
    where there was no trial. The network's states are missing without events.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn scales and centroids; draw the network."""
        settings = self.parameters.aggregates
        numbers = aggregates(view, self.bank, settings)
        scale = scale_of(numbers, settings)
        amounts = fit_scale(
            {AMOUNT: view.events.amount.astype(np.float64)},
            money={AMOUNT},
            counts=(),
            limit=self.parameters.network.limit,
        )
        cell = draw_cell(self.parameters.network, INPUTS)
        saved, saved_amounts = scale.saved(PREFIX), amounts.saved(AMOUNTS)
        arrays = {**saved.arrays, **saved_amounts.arrays}
        arrays |= {"weights": cell.weights, "biases": cell.biases}
        if len(scale.names) >= settings.least:
            vectors = to_fit(numbers, scale, view.customers)
            arrays["centroids"] = k_means(vectors, self.parameters.kmeans)
        return Fitted({**saved.values, **saved_amounts.values}, arrays)

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare centroids + 4 + units columns."""
        del fitted
        centroids, units = self.parameters.kmeans.centroids, self.parameters.network.units
        return (
            *(Column(f"centroid_distance_{number}") for number in range(1, centroids + 1)),
            *(Column(name) for name in BANDIT),
            Column("new_category_trials", log=True),
            *(Column(f"event_flow_state_{number}") for number in range(1, units + 1)),
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, centroids + 4 + units)."""
        blocks = [
            self._distances(view, fitted),
            self._bandit(view),
            states(
                view.events,
                view.as_of,
                cell=Cell(fitted.arrays["weights"], fitted.arrays["biases"]),
                scale=read_scale(fitted, AMOUNTS, limit=self.parameters.network.limit),
                settings=self.parameters.network,
            ),
        ]
        return np.concatenate(blocks, axis=0).T.astype(np.float32)

    def _distances(self, view: CutView, fitted: Fitted) -> Array:
        if "centroids" not in fitted.arrays:
            return np.full((self.parameters.kmeans.centroids, view.rows), np.nan)
        settings = self.parameters.aggregates
        scale = read_scale(fitted, PREFIX, limit=settings.limit)
        numbers = aggregates(view, self.bank, settings)
        vectors = standardised(numbers, scale)
        distances = np.sqrt(squared_distances(vectors, fitted.arrays["centroids"]))
        return np.where(numbers.known, distances, np.nan)

    def _bandit(self, view: CutView) -> Array:
        settings = self.parameters.bandit
        tried, succeeded, known = trials(view.events, consumption(view.events, self.bank), settings)
        return np.where(known, posterior(tried, succeeded, settings), np.nan)
