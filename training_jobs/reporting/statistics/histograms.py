"""Shares of a column's values over equal bins, split by split."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_jobs.reporting.sample import TRAIN, FeatureColumn, Mask, Sample
from training_jobs.reporting.words import compact

Floats = NDArray[np.float64]
ENDS = (0.01, 0.99)
"""Quantiles of train between which numeric values are drawn."""


@dataclass(frozen=True)
class Histogram:
    """Shares by split, train first, and the texts of both ends; missing values are left out."""

    shares: Mapping[str, list[float]]
    low: str
    high: str


def histogram(
    sample: Sample, column: FeatureColumn, splits: Mapping[str, Mask], bins: int
) -> Histogram:
    """Return the histogram; numeric values are on the column's own scale.

    Args:
        sample: the rows.
        column: one of its columns.
        splits: name -> rows, train among them.
        bins: of numeric columns; others have one a code.
    """
    stored = sample.values[:, sample.places[column.name]]
    if column.categories is not None:
        edges = np.arange(column.categories + 1) - 0.5
        values, low, high = stored.astype(np.float64), "0", str(column.categories - 1)
    else:
        values = column.scaled(stored)
        known = values[splits[TRAIN] & ~np.isnan(values)]
        ends = np.quantile(known, ENDS) if len(known) else np.array([0.0, 1.0])
        if ends[0] == ends[1]:
            # More than 98 percent are equal: the rest is what there is to see.
            ends = np.array([known.min(), known.max()]) if len(known) else ends
        if ends[0] == ends[1]:
            ends = ends + np.array([-0.5, 0.5])
        edges = np.linspace(ends[0], ends[1], bins + 1)
        low, high = (compact(column.unscaled(float(end))) for end in ends)
    return Histogram(
        {
            name: _shares(values[rows], np.asarray(edges, np.float64))
            for name, rows in splits.items()
        },
        low,
        high,
    )


def _shares(values: Floats, edges: Floats) -> list[float]:
    present = np.clip(values[~np.isnan(values)], edges[0], edges[-1])
    counts, _ = np.histogram(present, bins=edges)
    return [float(found) for found in counts / max(len(present), 1)]
