"""LightGCN: what the neighbours through shared merchants have adopted."""

import numpy as np
from scipy import sparse

from training_jobs.data.synthetic.lenses.base import Look, Matrix, side_by_side
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats, Ints

_CHUNK = 1024


def incidence(observed: Observed, merchants: int) -> sparse.csr_matrix:
    """Return [n, merchants] event counts."""
    ones = np.ones(len(observed.row))
    shape = (observed.size, merchants)
    return sparse.csr_matrix((ones, (observed.row, observed.merchant)), shape=shape)


def adopted(observed: Observed, windows: tuple[int, ...]) -> Floats:
    """Return [n, windows]: products acquired in the latest months."""
    held = observed.held
    gained = (held[:, 1:] & ~held[:, :-1]).sum(axis=2)
    columns = [gained[:, max(0, gained.shape[1] - months) :].sum(axis=1) for months in windows]
    return np.stack(columns, axis=1).astype(np.float64)


def _weights(visits: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return rows of length one, merchants weighed by how few customers go there."""
    seen = sparse.csr_matrix((np.log1p(visits.data), visits.indices, visits.indptr), visits.shape)
    customers = np.bincount(visits.indices, minlength=visits.shape[1])
    rare = np.log((1 + visits.shape[0]) / (1 + customers))
    weighed = seen @ sparse.diags(rare)
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-12)) @ weighed).tocsr()


def neighbours(
    visits: sparse.csr_matrix, count: int, *, chunk: int = _CHUNK
) -> tuple[Ints, Floats]:
    """Return [n, count] rows of the nearest customers by shared merchants, and how near."""
    weights = _weights(visits)
    count = min(count, weights.shape[0] - 1)
    rows, nearness = [], []
    for start in range(0, weights.shape[0], chunk):
        part = np.asarray((weights[start : start + chunk] @ weights.T).todense())
        part[np.arange(len(part)), start + np.arange(len(part))] = -1.0
        top = np.argpartition(-part, count - 1, axis=1)[:, :count]
        rows.append(top)
        nearness.append(np.take_along_axis(part, top, axis=1))
    return np.concatenate(rows), np.maximum(np.concatenate(nearness), 0.0)


def propagate(visits: sparse.csr_matrix, messages: Floats, look: Look) -> Matrix:
    """Return the neighbours' mean message and how near they are.

    Args:
        visits: [n, merchants] of all customers.
        messages: [n, m] what each customer passes on.
        look: parameters.
    """
    who, near = neighbours(visits, look.parameters.neighbours)
    # Nearer ones count more than in proportion: a tie of many merchants is no accident.
    weight = near**2
    total = weight.sum(axis=1, keepdims=True)
    received = np.einsum("nk,nkm->nm", weight, messages[who]) / np.maximum(total, 1e-12)
    received[total[:, 0] == 0] = np.nan
    return Matrix(side_by_side([received, near.mean(axis=1), near.max(axis=1)]))
