"""Mutual information of a column with a label, both as codes."""

import numpy as np

from training_jobs.reporting.statistics.bins import Codes


def entropy(counts: Codes) -> float:
    """Return the entropy in nats of counts."""
    present = counts[counts > 0]
    shares = present / present.sum()
    return float(-(shares * np.log(shares)).sum())


def mutual_information(first: Codes, second: Codes) -> float:
    """Return the mutual information in nats, as counted."""
    counts = _joint(first, second)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    return entropy(rows) + entropy(columns) - entropy(counts.ravel())


def explained_share(column: Codes, label: Codes) -> float:
    """Return the share of the label's entropy that the column takes away, from 0 to 1.

    What counting alone adds where nothing is shared, (a - 1)(b - 1) / 2n (Miller 1955), is taken
    off first.
    """
    counts = _joint(column, label)
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    whole = entropy(columns)
    if whole == 0:
        return 0.0
    found = entropy(rows) + whole - entropy(counts.ravel())
    bias = ((rows > 0).sum() - 1) * ((columns > 0).sum() - 1) / (2 * len(column))
    return float(max(0.0, found - bias) / whole)


def _joint(first: Codes, second: Codes) -> Codes:
    width = int(second.max(initial=0)) + 1
    height = int(first.max(initial=0)) + 1
    flat = np.bincount(first * width + second, minlength=height * width)
    return np.asarray(flat.reshape(height, width), np.int64)
