"""The delay embedding of event sequences (Takens 1981; Perea and Harer 2015): loops are rhythms.

The sequence is standardised per customer by mid-ranks, scaled to mean 0 and deviation 1: amounts
are heavy-tailed, and one outlier would push all other points of a z-scored sequence into a corner.
"""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.topology import Topology
from training_jobs.features.topology.purchases import Purchases

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def standard_ranks(values: IntArray, offsets: IntArray) -> FloatArray:
    """Return centred mid-ranks within each sequence, deviation 1 where nothing is tied.

    Args:
        values: [E] the sequences one after another.
        offsets: [n + 1] where they begin and end; every sequence holds two values or more.

    Returns:
        [E]; all 0 in a sequence that is constant.
    """
    counts = np.diff(offsets)
    row = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((values, row))
    ranked, of = values[order], row[order]
    first = np.ones(len(values), bool)
    first[1:] = (ranked[1:] != ranked[:-1]) | (of[1:] != of[:-1])
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, len(values)))
    middle = np.repeat(starts + (lengths - 1) / 2, lengths) - offsets[of]
    ranks = np.empty(len(values))
    ranks[order] = middle
    size = counts[row].astype(np.float64)
    scaled: FloatArray = (ranks - (size - 1) / 2) / np.sqrt((size * size - 1) / 12)
    return scaled


def delay_clouds(sequence: FloatArray, offsets: IntArray, topology: Topology) -> list[FloatArray]:
    """Return a cloud of shape (points, dimension) for each sequence.

    A point is (x[t], x[t + delay], ...), t in events. Of more than `most_points`, as many are kept
    that are spread evenly from the first to the last, so that the cloud covers the whole window.

    Args:
        sequence: [E] the sequences one after another, each longer than `topology.span`.
        offsets: [n + 1] where they begin and end.
        topology: shape of the embedding.
    """
    all_points = np.diff(offsets) - topology.span
    kept = np.minimum(all_points, topology.most_points)
    ends = np.cumsum(kept)
    place = np.arange(int(kept.sum())) - np.repeat(ends - kept, kept)
    last, steps = np.repeat(all_points - 1, kept), np.repeat(np.maximum(kept - 1, 1), kept)
    start = np.repeat(offsets[:-1], kept) + place * last // steps
    coordinates = topology.delay * np.arange(topology.dimension)
    return np.split(sequence[start[:, None] + coordinates], ends[:-1])


def event_clouds(bought: Purchases, rows: IntArray, topology: Topology) -> list[FloatArray]:
    """Return the cloud of each customer of `rows`, ascending, each with purchases enough."""
    wanted = np.zeros(len(bought.counts), bool)
    wanted[rows] = True
    offsets = np.concatenate([[0], np.cumsum(bought.counts[rows])])
    sequence = standard_ranks(bought.excess[wanted[bought.row]], offsets)
    return delay_clouds(sequence, offsets, topology)
