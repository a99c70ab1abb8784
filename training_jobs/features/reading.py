"""Reading feature columns of a Phase 0 output, stored ones and those that are views of a tensor."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.errors import ArtefactError
from training_jobs.features.examples import KEYS

FEATURES = "features"
EXAMPLES = "examples"
SCHEMA_NAME = "feature_schema.json"
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Place:
    """Where a column that is not stored stands: one item of one list of a side tensor."""

    tensor: str
    field: str
    item: int


def list_items(lists: pa.ListArray, items: Sequence[int]) -> FloatArray:
    """Return shape (rows, items): the given items of each list, NaN where a list is shorter.

    Args:
        lists: never null.
        items: positions counted from 0.
    """
    offsets = np.asarray(lists.offsets).astype(np.int64)
    values = np.asarray(lists.flatten())
    places = np.asarray(items, np.int64)
    inside = places[None, :] < np.diff(offsets)[:, None]
    at = (offsets[:-1] - offsets[0])[:, None] + places[None, :]
    found = np.full(inside.shape, np.nan, np.float32)
    found[inside] = values[at[inside]]
    return found


def read_table(
    phase0: Path, kind: str, part: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return columns of one part of one kind of output. Raises ArtefactError if it is missing."""
    path = phase0 / kind / part
    if not path.is_file():
        raise ArtefactError(f"{path} is missing", remedy="run Phase 0 again")
    return pq.read_table(path, columns=None if columns is None else list(columns))


def read_beside(
    phase0: Path, kind: str, part: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return columns of one part, its rows being those of the examples.

    Raises:
        ArtefactError: the file is missing, or its rows do not stand in the order of the examples.
    """
    wanted = None if columns is None else [*KEYS, *columns]
    table = read_table(phase0, kind, part, wanted)
    keys = read_table(phase0, EXAMPLES, part, KEYS)
    if not table.select(KEYS).equals(keys):
        raise ArtefactError(
            f"{kind}/{part}: rows are not those of {EXAMPLES}/{part}", remedy="run Phase 0 again"
        )
    return table


def read_places(phase0: Path) -> dict[str, Place]:
    """Return where the columns stand that are views, by name."""
    schema = json.loads((phase0 / SCHEMA_NAME).read_text())
    return {
        column["name"]: Place(**column["view"])
        for column in schema["columns"]
        if column["view"] is not None
    }


def read_columns(
    phase0: Path, part: str, names: Sequence[str], *, chosen: NDArray[np.bool_] | None = None
) -> FloatArray:
    """Return the values of feature columns, shape (rows, names), NaN where missing.

    Args:
        phase0: output of Phase 0.
        part: file name of a part.
        names: columns of the feature schema, in the order wanted.
        chosen: which rows of the part; all by default.

    Raises:
        ArtefactError: a file is missing or its rows are not those of the examples.
    """
    views = {name: place for name, place in read_places(phase0).items() if name in set(names)}
    stored = [name for name in names if name not in views]
    keep = slice(None) if chosen is None else np.flatnonzero(chosen)
    table = read_beside(phase0, FEATURES, part, stored)
    rows = table.num_rows if chosen is None else int(chosen.sum())
    values = np.empty((rows, len(names)), np.float32)
    where = {name: place for place, name in enumerate(names)}
    for name in stored:
        values[:, where[name]] = table[name].to_numpy()[keep]
    for (tensor, field), found in _by_list(views).items():
        lists = read_beside(phase0, tensor, part, [field])[field].combine_chunks()
        if chosen is not None:
            lists = lists.take(pa.array(keep))
        columns = [where[name] for name in found]
        values[:, columns] = list_items(lists, [place.item for place in found.values()])
    return values


def _by_list(views: Mapping[str, Place]) -> dict[tuple[str, str], dict[str, Place]]:
    grouped: dict[tuple[str, str], dict[str, Place]] = {}
    for name, place in views.items():
        grouped.setdefault((place.tensor, place.field), {})[name] = place
    return grouped
