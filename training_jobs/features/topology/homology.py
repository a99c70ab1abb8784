"""Persistence through gudhi's fast routines: a line of values, and Vietoris-Rips of a cloud."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from gudhi.sklearn import CubicalPersistence, RipsPersistence
from numpy.typing import NDArray

FIELD = 2
"""Coefficients: the field of two elements, as in ripser."""


@dataclass(frozen=True)
class Pairs:
    """Points of the diagrams of n customers, by customer, then most persistent first.

    Attributes:
        row: [m] ascending index of the customer.
        birth: [m] float32.
        death: [m] float32, above birth.
    """

    row: NDArray[np.int64]
    birth: NDArray[np.float32]
    death: NDArray[np.float32]

    @classmethod
    def sort(
        cls,
        row: NDArray[np.int64],
        birth: NDArray[np.float64],
        death: NDArray[np.float64],
        *,
        least: float,
    ) -> "Pairs":
        """Return in order the pairs that live longer than `least`.

        Tied distances differ by rounding: without a bound, the number of pairs would be chance.
        """
        alive = death - birth > least
        row, birth, death = row[alive], birth[alive], death[alive]
        order = np.lexsort((birth, birth - death, row))
        return cls(row[order], birth[order].astype("float32"), death[order].astype("float32"))


def line_pairs(series: NDArray[np.float64], rows: NDArray[np.int64], *, least: float) -> Pairs:
    """Return the 0-dimensional sub- and superlevel pairs of each series.

    A sublevel pair is a valley that appears at its floor and joins a deeper one at the peak between
    them; a superlevel pair is a peak that appears at its top and joins a higher one at the valley
    between them. Both are written as the interval (valley, peak) in values of the series, so birth
    is the lower end. The class that never dies (the whole range) is left out.

    Args:
        series: shape (n, length).
        rows: [n] ascending rows of the customers.
        least: pairs that live no longer are left out.
    """
    valleys = _flat(_lines(series), rows)
    peaks = _flat(_lines(-series), rows)
    row = np.concatenate([valleys[0], peaks[0]])
    low = np.concatenate([valleys[1], -peaks[2]])
    high = np.concatenate([valleys[2], -peaks[1]])
    finite = np.isfinite(low) & np.isfinite(high)
    return Pairs.sort(row[finite], low[finite], high[finite], least=least)


def loop_pairs(
    clouds: Sequence[NDArray[np.float64]],
    rows: NDArray[np.int64],
    *,
    least: float,
    threads: int,
) -> Pairs:
    """Return the 1-dimensional Vietoris-Rips pairs of each cloud, by Euclidean edge length.

    All of them are finite: once every point is joined to the most central one, no loop is left.

    Args:
        clouds: n clouds.
        rows: [n] ascending rows of the customers.
        least: pairs that live no longer are left out.
        threads: the clouds are shared out among them.
    """
    rips = RipsPersistence(homology_dimensions=1, homology_coeff_field=FIELD, n_jobs=threads)
    return Pairs.sort(*_flat(rips.fit_transform(clouds), rows), least=least)


def _lines(series: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    found: list[NDArray[np.float64]] = CubicalPersistence(0).fit_transform(list(series))
    return found


def _flat(
    diagrams: list[NDArray[np.float64]], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    lengths = np.fromiter(map(len, diagrams), np.int64, len(diagrams))
    pairs = np.concatenate([np.zeros((0, 2)), *diagrams])
    return np.repeat(rows, lengths), pairs[:, 0], pairs[:, 1]
