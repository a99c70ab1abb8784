"""Population stability index: how far a later split has moved away from train."""

import numpy as np

from training_jobs.reporting.statistics.bins import Codes

HALF = 0.5
"""Added to every count, so that an empty bin has a logarithm."""


def stability_index(before: Codes, after: Codes, bins: int) -> float | None:
    """Return sum over bins of (q - p) ln(q / p); None where one side is empty.

    Args:
        before, after: codes below `bins`; p and q are their shares.
        bins: number of codes, missing included.
    """
    if not len(before) or not len(after):
        return None
    counts = [np.bincount(side, minlength=bins) for side in (before, after)]
    used = (counts[0] + counts[1]) > 0
    p, q = ((side[used] + HALF) / (side.sum() + HALF * used.sum()) for side in counts)
    return float(((q - p) * np.log(q / p)).sum())


def by_chance(bins: int, before: int, after: int) -> float:
    """Return the index to expect where nothing moved: (bins - 1) (1 / n + 1 / m)."""
    return (bins - 1) * (1 / before + 1 / after)
