"""Intervals by resampling customers: all replicates of a metric in a few matrix products."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.settings.evaluation import Bootstrap
from training_jobs.evaluation.sample import Array, Metric, Sample

CELLS = 8_000_000
"""Replicates x rows computed at a time, so that memory does not grow with the data."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; None where undefined."""

    value: float | None
    low: float | None
    high: float | None

    def plain(self) -> dict[str, float | None]:
        """Return the JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high}


class Resampler:
    """Multinomial resamples of customers, the same for every metric and predictor: paired."""

    def __init__(self, customers: NDArray[np.int64], settings: Bootstrap) -> None:
        """Draw the resamples.

        Args:
            customers: [n] number of each row's customer; rows of one stay together.
            settings: replicates, level and seed.
        """
        self.settings = settings
        units = int(customers.max()) + 1 if len(customers) else 0
        rng = np.random.default_rng(settings.seed)
        shares = np.full(units, 1 / units) if units else np.empty(0)
        draws = rng.multinomial(units, shares, size=settings.replicates) if units else None
        self.weights: NDArray[np.int16] = (
            np.zeros((settings.replicates, 0), np.int16)
            if draws is None
            else draws[:, customers].astype(np.int16)
        )

    def replicates(self, metric: Metric, sample: Sample) -> Array:
        """Return [R], the metric in every resample."""
        step = max(1, CELLS // max(1, len(sample.y)))
        parts = [
            metric(replace(sample, weights=self.weights[at : at + step].astype(np.float64)))
            for at in range(0, len(self.weights), step)
        ]
        return np.concatenate(parts)

    def interval(self, values: Array) -> tuple[float | None, float | None]:
        """Return the percentile interval of the defined replicates."""
        defined = values[np.isfinite(values)]
        if not len(defined):
            return None, None
        tail = (1 - self.settings.level) / 2
        low, high = np.quantile(defined, [tail, 1 - tail])
        return float(low), float(high)


def point(metric: Metric, sample: Sample) -> float | None:
    """Return the metric on the sample itself, None where undefined."""
    value = float(metric(replace(sample, weights=np.ones((1, len(sample.y)))))[0])
    return value if np.isfinite(value) else None


def number_customers(ids: Any) -> NDArray[np.int64]:
    """Return [n] numbers 0..k-1 of the customers in `ids`."""
    return np.unique(np.asarray(ids), return_inverse=True)[1].astype(np.int64)
