"""Item embeddings of the customer-item graph by LightGCN's propagation, in closed form.

LightGCN (He et al. 2020) propagates along the normalised incidence R^ = D_u^-1/2 R D_i^-1/2 and
averages its layers, so it is a low-pass filter of the item graph G = R^' R^ (Shen et al. 2021,
"How Powerful is Graph Convolution for Recommendation?"): a direction with eigenvalue s is kept in
proportion to the mean of 1, s, s^2, .. over the layers. The embeddings are G's leading directions,
so filtered. A customer is the normalised incidence times the items and needs no training.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
_NOTHING = 1e-10
"""Part of a direction that rounding may leave of what the others hold already."""


def normalised(incidence: sparse.csr_array, degrees: NDArray[np.int64]) -> sparse.csr_array:
    """Return entries divided by the roots of both their degrees; each row depends on itself alone.

    Args:
        incidence: customers by items, ones.
        degrees: [items] customers of every item; items without any are left out.
    """
    own = np.repeat(np.diff(incidence.indptr), np.diff(incidence.indptr))
    known = degrees[incidence.indices]
    scaled = incidence.astype(np.float64)
    scaled.data = np.where(known > 0, 1 / np.sqrt(own * np.maximum(known, 1)), 0.0)
    return scaled


def item_embeddings(
    incidence: sparse.csr_array, *, width: int, layers: int, rounds: int, seed: int
) -> Floats:
    """Return the filtered leading directions of the item graph, shape (items, width).

    The first direction of all, which only tells how popular an item is, is left out. Found by
    subspace iteration; directions come strongest first, their largest entry positive. Items in
    excess of what the graph holds give columns of 0.

    Args:
        incidence: customers by items, ones; rows in an order that does not depend on the input.
        width: directions.
        layers: layers of propagation, 0 = the items alone.
        rounds: rounds of subspace iteration.
        seed: of the starting directions.
    """
    if not incidence.shape[1]:
        return np.zeros((0, width))
    degrees = np.bincount(incidence.indices, minlength=incidence.shape[1])
    ties = normalised(incidence, degrees)
    back = ties.T.tocsr()
    items = incidence.shape[1]
    found = min(width + 1, items)
    basis = np.random.default_rng(seed).standard_normal((items, found))
    strength = np.zeros(found)
    for _ in range(rounds):
        basis = _orthonormal(basis)
        moved = back @ (ties @ basis)
        # Rayleigh-Ritz: rotate the basis to the directions it holds.
        small = np.einsum("ik,il->kl", basis, moved)
        strength, turn = np.linalg.eigh((small + small.T) / 2)
        strength, turn = strength[::-1], turn[:, ::-1]
        basis = np.einsum("ik,kl->il", moved, turn)
    basis = _orthonormal(basis)
    largest = np.take_along_axis(basis, np.abs(basis).argmax(axis=0)[None, :], axis=0)
    kept = np.mean([np.clip(strength, 0, 1) ** layer for layer in range(layers + 1)], axis=0)
    filtered = basis * np.where(largest < 0, -1.0, 1.0) * kept
    embeddings = np.zeros((items, width))
    embeddings[:, : found - 1] = filtered[:, 1:]
    return embeddings


def _orthonormal(basis: Floats) -> Floats:
    """Return an orthonormal basis by modified Gram-Schmidt; what adds nothing becomes 0.

    Column by column, without a threaded library whose sums depend on the threads.
    """
    made = np.ascontiguousarray(basis.T)
    for place in range(len(made)):
        whole = np.sqrt(np.sum(made[place] * made[place]))
        for before in [*range(place), *range(place)]:
            made[place] -= np.sum(made[place] * made[before]) * made[before]
        left = np.sqrt(np.sum(made[place] * made[place]))
        made[place] = made[place] / left if left > _NOTHING * whole else 0.0
    return np.ascontiguousarray(made.T)
