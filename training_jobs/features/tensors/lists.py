"""Arrow lists from sorted flat arrays."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def list_array(values: NDArray[np.generic], lengths: IntArray, kind: pa.DataType) -> pa.Array:
    """Return lists of the given lengths, filled from `values` in order.

    Args:
        values: shape (sum of lengths,).
        lengths: shape (rows,).
        kind: Arrow type of the list items.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    # The item name is fixed, so that the schema of the file is the declared one.
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values).cast(kind), list_of(kind))


def list_of(kind: pa.DataType) -> pa.DataType:
    """Return the list type used in all side tensors."""
    return pa.list_(pa.field("item", kind))


def places_in_row(rows: IntArray) -> IntArray:
    """Return 0, 1, 2 .. within each run of equal values of the sorted `rows`."""
    if not len(rows):
        return rows
    starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
    return np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
