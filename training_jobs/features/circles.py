"""Close circles: customers who have some of their favourite items in common.

Sharing one popular shop says little; sharing two or three of the few that both visit most says
much. Every choice of so many of a customer's favourites is hashed to one of a fixed number of
circles, so that who is in a circle can be counted shard by shard, in memory that does not grow with
the bank, and a customer nobody has seen before falls into circles that exist. (Banding of
signatures: Broder 1997; Indyk and Motwani 1998.) Two choices may fall together; the fewer circles,
the more strangers in each.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training_jobs.features.tensors.lists import places_in_row

_WIDE = 40
"""Bits of a number between two items: with a vocabulary of 2^22 items it stays below 2^63."""
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def favourites(counts: sparse.csr_array, *, most: int) -> NDArray[np.int64]:
    """Return the items each customer visits most, shape (rows, most), -1 where there are fewer.

    Among equally visited items those later in the vocabulary, which fewer share, come first.

    Args:
        counts: customers by items, indices ascending within a row.
        most: favourites of a customer.
    """
    rows, items = counts.shape
    row = np.repeat(np.arange(rows), np.diff(counts.indptr))
    # One number holds customer, visits and item in the order wanted: one sort, nothing to break.
    most_visits = int(counts.data.max(initial=0))
    fewer = row * (most_visits + 1) + most_visits - counts.data
    ranked = np.sort(fewer * items + items - 1 - counts.indices)
    row = ranked // (max(items, 1) * (most_visits + 1))
    place = places_in_row(row)
    chosen = place < most
    table = np.full((rows, most), -1, np.int64)
    table[row[chosen], place[chosen]] = items - 1 - ranked[chosen] % max(items, 1)
    return table


def circles(table: NDArray[np.int64], *, together: int, items: int, bits: int) -> sparse.csr_array:
    """Return who is in which circle, shape (rows, 2^bits), int64 ones.

    Args:
        table: favourites, -1 where there are fewer.
        together: favourites that make a circle.
        items: length of the vocabulary.
        bits: binary logarithm of the number of circles.
    """
    ordered = np.sort(table, axis=1)
    chosen = list(combinations(range(table.shape[1]), together))
    places = np.array(chosen, np.int64).reshape(-1, together)
    numbers = np.zeros((len(table), len(places)), np.int64)
    for place in range(together):
        # Mixed before the next is added, so that no product of vocabularies can overflow.
        numbers = _mixed(numbers, _WIDE) * items + ordered[:, places[:, place]]
    keys = np.where(ordered[:, places[:, 0]] >= 0, _mixed(numbers, bits), -1)
    keys.sort(axis=1)
    # A circle counts once, even where two choices of one customer fall into it.
    fresh = keys >= 0
    fresh[:, 1:] &= keys[:, 1:] != keys[:, :-1]
    offsets = np.concatenate([[0], np.cumsum(fresh.sum(axis=1))])
    return sparse.csr_array(
        (np.ones(offsets[-1], np.int64), keys[fresh], offsets), shape=(len(table), 1 << bits)
    )


def _mixed(numbers: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return numbers of `bits` bits that depend on all bits of the input (SplitMix64)."""
    mixed = numbers.astype(np.uint64)
    for shift, factor in zip((30, 27), _MIX, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    mixed ^= mixed >> np.uint64(31)
    return (mixed & np.uint64((1 << bits) - 1)).astype(np.int64)
