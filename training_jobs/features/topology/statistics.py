"""Eight statistics of a persistence diagram."""

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.topology.homology import Pairs

STATISTICS = ("count", "mean", "max", "sd", "entropy", "total", "birth", "death")


def statistics(pairs: Pairs, rows: int) -> NDArray[np.float64]:
    """Return `STATISTICS` of each customer's diagram, shape (rows, 8).

    `count` pairs; `mean`, `max`, `sd` (over n) and `total` of the lifetimes l = death - birth;
    `entropy` of the shares p = l / total, -sum p ln p (Atienza et al. 2020); mean `birth` and mean
    `death`. An empty diagram has no lifetime: 0 everywhere, birth and death missing.
    """
    birth, death = pairs.birth.astype(np.float64), pairs.death.astype(np.float64)
    lifetime = death - birth

    def added(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(pairs.row, values, minlength=rows), np.float64)

    count = np.bincount(pairs.row, minlength=rows)
    present = np.maximum(count, 1)
    total = added(lifetime)
    mean = total / present
    first = np.searchsorted(pairs.row, np.flatnonzero(count))
    most = np.zeros(rows)
    most[pairs.row[first]] = lifetime[first]
    share = lifetime / total[pairs.row]
    ends = [np.where(count > 0, added(values) / present, np.nan) for values in (birth, death)]
    return np.column_stack(
        [
            count,
            mean,
            most,
            np.sqrt(added((lifetime - mean[pairs.row]) ** 2) / present),
            # Shares are at most 1, so the sum is at most 0; abs also spares a single pair its -0.
            np.abs(added(share * np.log(share))),
            total,
            *ends,
        ]
    )
