"""What a customer hears of its neighbours: shares among them, the customer itself left out.

All sums are of integers, so leaving the customer's own part out is exact: a value cannot depend on
what the customer itself holds or takes up, not even in its last bit.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training_jobs.features.graph_counts import GraphCounts, Ints, Own

Floats = NDArray[np.float64]
_FIXED = 40
"""Binary places of a visit divided by the other visitors of its item."""


def ratio(part: Ints, whole: Ints) -> Floats:
    """Return part / whole, missing where the whole is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def item_messages(own: Own, counts: GraphCounts, families: Ints) -> Floats:
    """Return by how much the neighbours exceed their families, shape (n, 2 x products).

    At each item the share of holders, then of recent takers, among its *other* visitors, less that
    among the other visitors of all items of its family (each counted once an item): what the shop
    tells beyond its line of business. Over items the mean, weighted by the customer's own visits.
    Missing where nobody else visits any of them.

    Args:
        own: what the customers bring into the counts.
        counts: of everyone.
        families: [items] family of each item, 0, 1, ..
    """
    visits = own.visits
    size = int(families.max(initial=-1)) + 1
    kin = sparse.csr_array(
        (np.ones(len(families), np.int64), families, np.arange(len(families) + 1)),
        shape=(len(families), size),
    )
    by_family = kin.T.tocsr() @ counts.by_item
    family = families[visits.indices]
    row = np.repeat(np.arange(visits.shape[0]), np.diff(visits.indptr))
    mine = np.bincount(row * size + family, minlength=visits.shape[0] * size)[row * size + family]
    others = counts.by_item[:, 0][visits.indices] - 1
    # Whoever else is at an item is in its family too, so the second divisor is not 0 either.
    told = np.where(others > 0, visits.data, 0)
    near = (told << _FIXED) // np.maximum(others, 1)
    wide = (told << _FIXED) // np.maximum(by_family[:, 0][family] - mine, 1)

    def spread(values: Ints, places: Ints, width: int) -> sparse.csr_array:
        return sparse.csr_array((values, places, visits.indptr), shape=(visits.shape[0], width))

    sums = (
        spread(near, visits.indices, visits.shape[1]) @ counts.by_item[:, 1:]
        - spread(wide, family, size) @ by_family[:, 1:]
        - own.at_items[:, 1:] * spread(near - wide * mine, family, size).sum(axis=1)[:, None]
    )
    weight = spread(told, family, size).sum(axis=1)[:, None]
    return ratio(sums, weight) / float(1 << _FIXED)


def circle_messages(own: Own, counts: GraphCounts, *, prior: int) -> Floats:
    """Return the uptake among the customers of the same close circles, shape (n, 2 + groups).

    First the mean size of a circle as a share of all other customers, then the share of takers of
    anything, then of each group. A customer met in several circles counts as often; the shares are
    drawn towards those of all other customers by `prior` of them. Missing without anybody else.
    """
    circles = np.diff(own.member.indptr).astype(np.int64)[:, None]
    met = own.member @ counts.by_circle - own.in_circles * circles
    everyone = counts.overall - own.in_circles
    size = ratio(met[:, :1], circles * everyone[:, :1])
    usual = ratio(everyone[:, 1:], everyone[:, :1])
    shares = (met[:, 1:] + prior * usual) / (met[:, :1] + prior)
    return np.concatenate([size, np.where(met[:, :1] > 0, shares, np.nan)], axis=1)


def density(own: Own, counts: GraphCounts) -> Floats:
    """Return the part of all ties between the customer's items and all others that exists, (n,)."""
    others = own.visits.copy()
    others.data = counts.by_item[:, 0][own.visits.indices] - 1
    degree = np.diff(own.visits.indptr).astype(np.int64)
    return ratio(others.sum(axis=1), degree * (counts.overall[0] - 1))
