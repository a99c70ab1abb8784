"""Spending on the category tree: events of each customer by node, and the tree that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank
from training_jobs.features.tree import Tree, grown, known_place, path
from training_jobs.features.visits import consuming


@dataclass(frozen=True)
class Spending:
    """Consuming events with a category of the newest months.

    Attributes:
        row: [E] index of the customer, ascending.
        category: [E] index into `categories`.
        merchant: [E] index of the merchant, -1 where not recorded.
        categories: values of the view, sorted.
    """

    row: NDArray[np.int64]
    category: NDArray[np.int64]
    merchant: NDArray[np.int64]
    categories: tuple[str, ...]


def spending(view: CutView, bank: Bank, *, months: int) -> Spending:
    """Return the events that place a customer in the tree."""
    events = view.events
    told = consuming(events, bank) & (events.category >= 0) & (events.month_back < months)
    return Spending(
        events.row[told], events.category[told], events.merchant[told], events.categories
    )


def seen_tree(view: CutView, bank: Bank, *, months: int) -> Tree:
    """Return the part of the category tree that the view's spending touches, with its ancestors."""
    found = spending(view, bank, months=months)
    return grown(bank.parents, (found.categories[code] for code in np.unique(found.category)))


def shares_of(
    labels: NDArray[np.int64], found: Spending, *, rows: int, size: int
) -> sparse.csr_array:
    """Return events by customer and label, shape (rows, size), int64, indices ascending.

    Args:
        labels: [E] label of each event.
        found: the events.
        rows: customers.
        size: number of labels.
    """
    counts = sparse.coo_array(
        (np.ones(len(labels), np.int64), (found.row, labels)), shape=(rows, size)
    ).tocsr()
    counts.sum_duplicates()
    return counts


def node_counts(view: CutView, bank: Bank, tree: Tree, *, months: int) -> sparse.csr_array:
    """Return events by customer and node of `tree`; an unknown code counts for its ancestor."""
    found = spending(view, bank, months=months)
    places = np.array(
        [known_place(tree, bank.parents, code) for code in found.categories], np.int64
    )
    return shares_of(places[found.category], found, rows=view.rows, size=len(tree.nodes))


def level_labels(
    categories: Sequence[str], parents: Mapping[str, str | None], *, level: int
) -> NDArray[np.int64]:
    """Return for each category a number for its ancestor at `level`.

    A branch that ends above the level stands for itself, and so does a code that is in no tree.

    Args:
        categories: codes.
        parents: the category tree.
        level: edges below the root, 1 = the first level.
    """
    names = [(path(parents, code)[level : level + 1] or [code])[0] for code in categories]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names], np.int64)
