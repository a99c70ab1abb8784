"""Standardising on the fit sample: logarithms of what is skewed, mean 0, deviation 1, cut ends."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.generator import Fitted
from training_jobs.features.latent.arrays import Array

ARRAYS = ("units", "means", "sds", "fills")


@dataclass(frozen=True)
class Scale:
    """How some named numbers are standardised.

    Attributes:
        names: of those that vary in the fit sample, in order.
        logged: whether sign(value) * log(1 + |value| / unit) takes the place of the value.
        units: (names) 1, or the median size of money that is not 0.
        means: (names) after the logarithm.
        sds: (names) likewise, above 0.
        fills: (names) standardised median: what stands in for a missing value where one must.
        limit: standardised values are cut at plus and minus this.
    """

    names: tuple[str, ...]
    logged: tuple[bool, ...]
    units: Array
    means: Array
    sds: Array
    fills: Array
    limit: float

    def apply(self, place: int, values: Array) -> Array:
        """Standardise values of `names[place]`, NaN = missing."""
        taken = _logged(values, self.units[place]) if self.logged[place] else values
        scaled = (taken - self.means[place]) / self.sds[place]
        return np.asarray(np.clip(scaled, -self.limit, self.limit), np.float64)

    def filled(self, place: int, values: Array) -> Array:
        """Standardise, with the median of the fit sample in place of missing values."""
        scaled = self.apply(place, values)
        return np.where(np.isnan(scaled), self.fills[place], scaled)

    def saved(self, prefix: str) -> Fitted:
        """Return the scale as it is saved."""
        return Fitted(
            {f"{prefix}names": list(self.names), f"{prefix}logged": list(self.logged)},
            {f"{prefix}{name}": getattr(self, name) for name in ARRAYS},
        )


def read_scale(fitted: Fitted, prefix: str, *, limit: float) -> Scale:
    """Return a scale that was saved with `prefix`."""
    units, means, sds, fills = (fitted.arrays[f"{prefix}{name}"] for name in ARRAYS)
    return Scale(
        tuple(fitted.values[f"{prefix}names"]),
        tuple(fitted.values[f"{prefix}logged"]),
        units,
        means,
        sds,
        fills,
        limit,
    )


def fit_scale(
    values: Mapping[str, Array], *, money: Collection[str], counts: Collection[str], limit: float
) -> Scale:
    """Learn from values by name, NaN = missing; what never varies is left out.

    Values are sorted before they are summed: the order of customers cannot matter.
    """
    names, rows = [], []
    for name, given in values.items():
        present = np.sort(given[~np.isnan(given)], axis=None)
        if not len(present) or present[0] == present[-1]:
            continue
        unit = _middle(np.sort(np.abs(present[present != 0]))) if name in money else 1.0
        taken = _logged(present, unit) if name in money or name in counts else present
        mean, sd = float(np.mean(taken)), float(np.std(taken))
        if not sd > 0:
            continue
        names.append(name)
        rows.append((unit, mean, sd, (_middle(taken) - mean) / sd))
    table: NDArray[np.float64] = np.array(rows, np.float64).reshape(len(rows), 4)
    units, means, sds, fills = np.ascontiguousarray(table.T)
    logged = tuple(name in money or name in counts for name in names)
    return Scale(tuple(names), logged, units, means, sds, np.clip(fills, -limit, limit), limit)


def _logged(values: Array, unit: float) -> Array:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values) / unit), np.float64)


def _middle(ascending: Array) -> float:
    return float(ascending[len(ascending) // 2])
