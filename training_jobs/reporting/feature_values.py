"""The values of feature columns, read from one part of a Phase 0 output."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

FEATURES = "features"


def read_columns(
    phase0: Path, part: str, names: Sequence[str], *, chosen: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the values of feature columns, shape (rows, names), NaN where missing.

    Args:
        phase0: output of Phase 0.
        part: file name of a part.
        names: columns of the feature schema, in the order wanted.
        chosen: which rows of the part; all by default.
    """
    table = pq.read_table(phase0 / FEATURES / part, columns=list(names))
    if chosen is not None:
        table = table.filter(chosen)
    values = np.empty((table.num_rows, len(names)), np.float32)
    for place, name in enumerate(names):
        values[:, place] = table[name].to_numpy()
    return values
