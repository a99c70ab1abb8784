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

FAMILIES = """
    SELECT merchant, category FROM (
      SELECT merchant, coalesce(category, '') AS category, count(*) AS events
      FROM transactions WHERE merchant IS NOT NULL GROUP BY ALL
    ) QUALIFY row_number() OVER (PARTITION BY merchant ORDER BY events DESC, category) = 1
"""
COUNTS = """
    WITH known AS (
      SELECT unnest($codes::VARCHAR[]) AS value, unnest($places::INTEGER[]) AS place
    )
    SELECT row, place, count(*) AS visits FROM transactions JOIN known ON {kind} = value
    WHERE list_contains($directions::VARCHAR[], direction) GROUP BY row, place
"""


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


def item_families(view: CutView, *, kind: str, items: list[str]) -> list[int]:
    """Return the family of each item: merchants of the same line of business, numbered from 0.

    A merchant's family is the category of most of its events, ties by code; where the items are
    categories themselves all are one family.
    """
    if kind == "category":
        return [0] * len(items)
    found = view.query(FAMILIES)
    category = dict(zip(found["merchant"], found["category"], strict=True))
    number = {code: place for place, code in enumerate(sorted(set(category.values())))}
    return [number[category[item]] for item in items]


def visit_counts(view: CutView, bank: Bank, *, kind: str, items: list[str]) -> sparse.csr_array:
    """Return the number of consuming events of each customer at each item, shape (rows, items).

    Indices are ascending within a row and no stored entry is 0; int64. Counted in DuckDB: a tally
    needs no event in order, and putting all of them in order costs several times as much.
    """
    found = view.query(
        COUNTS.format(kind=kind),
        codes=items,
        places=list(range(len(items))),
        directions=list(bank.category_directions),
    )
    counts = sparse.coo_array(
        (found["visits"].astype(np.int64), (found["row"], found["place"])),
        shape=(view.rows, len(items)),
    ).tocsr()
    counts.sort_indices()
    return counts


def presence(counts: sparse.csr_array) -> sparse.csr_array:
    """Return the same entries, each 1."""
    ones = counts.copy()
    ones.data = np.ones_like(ones.data)
    return ones
