"""The recorded lens shares of a split, summarised by task."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq


@dataclass(frozen=True)
class GateSummary:
    """Shares over all rows.

    Attributes:
        mean: task -> mean share of each lens.
        std: task -> standard deviation over rows: near 0, the gate does not look at the customer.
        worst_sum: largest distance of a row's shares from sum 1; None where a task has no shares
            or one is not finite or below 0.
    """

    mean: dict[str, list[float]]
    std: dict[str, list[float]]
    worst_sum: float | None

    def plain(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"mean": self.mean, "std": self.std}


def summarise_gates(path: Path, tasks: list[str], lenses: int) -> GateSummary:
    """Return the summary of a gates file.

    Args:
        path: `gates/<split>.parquet` of the teacher.
        tasks: names of its task columns.
        lenses: shares a row.
    """
    table = pq.read_table(path)
    means: dict[str, list[float]] = {}
    deviations: dict[str, list[float]] = {}
    sums, sound = [0.0], True
    for task in tasks:
        if task not in table.column_names:
            sound = False
            continue
        column = table[task].combine_chunks()
        shares = np.asarray(column.flatten()).astype(np.float64).reshape(len(column), lenses)
        if not np.isfinite(shares).all() or bool((shares < 0).any()):
            sound = False
            continue
        means[task] = [float(value) for value in shares.mean(axis=0)]
        deviations[task] = [float(value) for value in shares.std(axis=0)]
        sums.append(float(np.abs(shares.sum(axis=1) - 1).max()))
    return GateSummary(means, deviations, max(sums) if sound else None)
