"""HGCN: weights of the category tree above the code, given the spread below."""

from collections.abc import Sequence

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix, side_by_side, table
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats, Ints

_STRONGEST = 3
PREFIX = 3
"""Digits of a branch."""


def branches(codes: Sequence[str]) -> Ints:
    """Return the branch number of every category, by its first digits."""
    return np.unique([code[:PREFIX] for code in codes], return_inverse=True)[1].astype(np.int64)


def _concentration(counts: Floats, usual: Floats, branch: Ints) -> Floats:
    """Return how much the categories used lie together in the tree.

    A branch weighs by the different categories of it that are used together: pairs of events in
    one branch but in different categories, per pair that the usual shares let expect.

    Args:
        counts: [n, categories].
        usual: [categories] shares over all customers.
        branch: [categories] branch of each.
    """
    size = int(branch.max()) + 1
    inside = np.zeros((len(branch), size))
    inside[np.arange(len(branch)), branch] = 1.0
    total = counts.sum(axis=1, keepdims=True)
    weight = counts @ inside
    pairs = weight**2 - counts**2 @ inside
    share_of = usual @ inside
    expected_pairs = share_of**2 - (usual**2) @ inside
    many = np.maximum(total * (total - 1), 1)
    lift = np.where(expected_pairs > 0, pairs / many / np.maximum(expected_pairs, 1e-9), 0.0)
    distinct = (counts > 0) @ inside
    excess = (weight - total * share_of) / np.sqrt(np.maximum(total * share_of, 1e-9))
    together = np.where(distinct > 1, excess, 0.0)
    parts = [
        np.sort(lift, axis=1)[:, -_STRONGEST:],
        np.sort(together, axis=1)[:, -_STRONGEST:],
        lift.sum(axis=1, keepdims=True),
        np.log1p(lift).sum(axis=1, keepdims=True),
        weight / np.maximum(total, 1),
    ]
    return side_by_side(parts)


def represent_tree(observed: Observed, look: Look, branch: Ints) -> Matrix:
    """Return weights of branches and their concentration for a given tree."""
    size = len(look.category_codes)
    usual = np.bincount(observed.category, minlength=size) + 0.5
    usual = usual / usual.sum()
    parts = [
        _concentration(
            table(observed, observed.back < months, observed.category, size), usual, branch
        )
        for months in look.parameters.months[1:4]
    ]
    return Matrix(side_by_side(parts))


def represent(observed: Observed, look: Look) -> Matrix:
    """Return weights of branches and their concentration on the true tree."""
    return represent_tree(observed, look, branches(look.category_codes))
