"""Who visits what: customers by items as sparse integer counts."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank
from training_jobs.features.history import EventHistory
from training_jobs.features.vocabulary import common

VISITS = {
    "merchant": "SELECT row, merchant AS value FROM transactions WHERE merchant IS NOT NULL",
    "category": "SELECT row, category AS value FROM transactions WHERE category IS NOT NULL",
}


def consuming(events: EventHistory, bank: Bank) -> NDArray[np.bool_]:
    """Return [E] bool: events of the directions in which categories mean consumption."""
    directions = bank.category_directions
    return (events.debit & ("debit" in directions)) | (~events.debit & ("credit" in directions))


def item_vocabulary(
    view: CutView, *, instead: str | None, most: int, least_customers: int
) -> tuple[str, list[str]]:
    """Return the kind of item that customers share, and its values, most shared first.

    Args:
        view: the fit sample.
        instead: kind that takes the place of merchants in a bank that records none.
        most: longest vocabulary.
        least_customers: customers a value needs.
    """
    for kind in ("merchant", instead):
        if kind is not None:
            found = common(view, VISITS[kind], most=most, least_customers=least_customers)
            if found:
                return kind, found
    return "merchant", []


def visit_counts(view: CutView, bank: Bank, *, kind: str, items: list[str]) -> sparse.csr_array:
    """Return the number of consuming events of each customer at each item, shape (rows, items).

    Indices are ascending within a row and no stored entry is 0; int64.
    """
    events = view.events
    recode = events.merchant_codes if kind == "merchant" else events.category_codes
    places = recode(items) - 1
    told = consuming(events, bank) & (places >= 0)
    row, place = events.row[told], places[told]
    counts = sparse.coo_array(
        (np.ones(len(row), np.int64), (row, place)), shape=(view.rows, len(items))
    ).tocsr()
    counts.sum_duplicates()
    return counts


def presence(counts: sparse.csr_array) -> sparse.csr_array:
    """Return the same entries, each 1."""
    ones = counts.copy()
    ones.data = np.ones_like(ones.data)
    return ones
