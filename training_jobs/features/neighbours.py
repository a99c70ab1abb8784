"""What a customer hears of its neighbours: shares among them, the customer itself left out.

All sums are of integers, so leaving the customer's own part out is exact: a value cannot depend on
what the customer itself holds or takes up, not even in its last bit.
"""

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.graph_counts import GraphCounts, Ints, Own

Floats = NDArray[np.float64]
_FIXED = 40
"""Binary places of a visit divided by the other visitors of its item."""


def ratio(part: Ints, whole: Ints) -> Floats:
    """Return part / whole, missing where the whole is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def item_messages(own: Own, counts: GraphCounts) -> Floats:
    """Return the shares of holders and recent takers, shape (n, 2 x products).

    At each item the share among its *other* visitors; over items the mean, weighted by the
    customer's own visits. Missing where nobody else visits any of them.
    """
    visits = own.visits
    others = counts.by_item[:, 0][visits.indices] - 1
    heard = visits.copy()
    heard.data = np.where(others > 0, (visits.data << _FIXED) // np.maximum(others, 1), 0)
    told = visits.copy()
    told.data = np.where(others > 0, visits.data, 0)
    sums = heard @ counts.by_item[:, 1:] - own.at_items[:, 1:] * heard.sum(axis=1)[:, None]
    weight = told.sum(axis=1)[:, None]
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
