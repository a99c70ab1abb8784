"""Labelled rows of all splits beside the teacher's predictions for them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.errors import ArtefactError
from training_jobs.evaluation.labels import label_column, read_labelled
from training_jobs.evaluation.ledger import Ledger
from training_jobs.features.examples import KEYS
from training_jobs.features.reading import read_columns

Floats = NDArray[np.float64]
SPLITS = ("train", "selection", "calibration", "test", "score")


def read_folder(folder: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the parts of a folder as one table, in part order.

    Raises:
        ArtefactError: the folder holds no parts.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise ArtefactError(f"{folder} holds no parts", remedy="run Phase 0 again")
    return pa.concat_tables([pq.read_table(path, columns=columns) for path in parts])


def row_keys(table: pa.Table) -> pa.Array:
    """Return `customer|as_of` of each row."""
    parts = [table.column(name).cast(pa.string()) for name in KEYS]
    return pc.binary_join_element_wise(*parts, "|").combine_chunks()


@dataclass(frozen=True)
class TaskRow:
    """One task that the viability gate left on."""

    name: str
    type: str
    loss: str
    classes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Numbers a prediction has."""
        return len(self.classes) if self.type == "multiclass" else 1


def read_tasks(phase0: Path) -> list[TaskRow]:
    """Return the tasks that are on, in their order."""
    rows = json.loads((phase0 / "tasks.json").read_text())["tasks"]
    return [
        TaskRow(row["name"], row["type"], row["loss"], tuple(row["classes"] or ()))
        for row in rows
        if row["status"] == "on"
    ]


@dataclass(frozen=True)
class Rows:
    """N examples.

    Attributes:
        keys: `customer|as_of`.
        customers, as_of: of each row.
        split: name of the split of each row.
        cold: customers that were never trained on.
        features: float32[N, F], raw decision inputs, NaN is missing.
        columns: names of the F inputs.
        labels: task -> float64[N], NaN is masked.
    """

    keys: pa.Array
    customers: pa.Array
    as_of: pa.Array
    split: NDArray[np.str_]
    cold: NDArray[np.bool_]
    features: NDArray[np.float32]
    columns: tuple[str, ...]
    labels: dict[str, Floats]

    def of(self, split: str) -> NDArray[np.int64]:
        """Return the positions of a split's rows; `test` leaves cold customers out."""
        mask = self.split == split
        if split == "test":
            mask &= ~self.cold
        return np.flatnonzero(mask)


def _inputs(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns that may decide.

    Raises:
        ArtefactError: one of them is protected, or is no column.
    """
    protected = {row["name"]: bool(row["protected"]) for row in schema["columns"]}
    for name in schema["decision_inputs"]:
        if protected.get(name, True):
            raise ArtefactError(
                f"decision input '{name}' is {'protected' if name in protected else 'no column'}",
                remedy="run Phase 0 again; protected columns never decide",
            )
    return tuple(schema["decision_inputs"])


def _labels(
    phase0: Path, keys: pa.Array, tasks: list[TaskRow], uses: Mapping[str, str], ledger: Ledger
) -> dict[str, Floats]:
    """Return task -> [N] labels in the order of `keys`, NaN outside the splits in `uses`."""
    names = [task.name for task in tasks]
    parts = sorted((phase0 / "examples").glob("part-*.parquet"))
    table = pa.concat_tables(
        [read_labelled(path, KEYS, names, uses=uses, ledger=ledger) for path in parts]
    )
    place = pc.index_in(row_keys(table), value_set=keys).to_numpy(zero_copy_only=False)
    found = {}
    for name in names:
        found[name] = np.full(len(keys), np.nan)
        found[name][place.astype(np.int64)] = table[label_column(name)].to_numpy()
    return found


def read_rows(
    phase0: Path, tasks: list[TaskRow], *, uses: Mapping[str, str], ledger: Ledger
) -> Rows:
    """Read examples and features of Phase 0.

    Args:
        phase0: its output.
        tasks: whose labels.
        uses: split -> what its labels are read for; those of other splits are NaN.
        ledger: where these reads go on record.

    Raises:
        ArtefactError: their rows do not agree, or a protected column would decide.
    """
    schema = json.loads((phase0 / "feature_schema.json").read_text())
    columns = _inputs(schema)
    examples = read_folder(phase0 / "examples", [*KEYS, "split", "cold"])
    parts = sorted(path.name for path in (phase0 / "examples").glob("part-*.parquet"))
    matrix = np.concatenate([read_columns(phase0, part, columns) for part in parts])
    keys = row_keys(examples)
    return Rows(
        keys=keys,
        customers=examples.column("customer_id").combine_chunks(),
        as_of=examples.column("as_of").combine_chunks(),
        split=np.array(examples.column("split").to_pylist()),
        cold=np.array(examples.column("cold").to_pylist(), dtype=bool),
        features=matrix,
        columns=columns,
        labels=_labels(phase0, keys, tasks, uses, ledger),
    )


def _prediction(column: pa.ChunkedArray, width: int) -> Floats:
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, dtype=np.float64).reshape(-1, width)
    return np.asarray(column.to_numpy(), dtype=np.float64)


def read_teacher(teacher: Path, rows: Rows, tasks: list[TaskRow]) -> dict[str, Floats]:
    """Return task -> [N] or [N, C] teacher predictions in the order of `rows`.

    Train rows carry out-of-fold predictions: the teacher stage writes no others.

    Raises:
        ArtefactError: the teacher has no prediction for a row.
    """
    filled: dict[str, Floats] = {}
    for task in tasks:
        shape = (len(rows.keys), task.width) if task.type == "multiclass" else (len(rows.keys),)
        filled[task.name] = np.full(shape, np.nan)
    seen = np.zeros(len(rows.keys), dtype=bool)
    for split in SPLITS:
        table = pq.read_table(teacher / "predictions" / f"{split}.parquet")
        place = pc.index_in(row_keys(table), value_set=rows.keys)
        if place.null_count:
            raise ArtefactError(
                f"predictions/{split}.parquet holds {place.null_count} rows that are no examples",
                remedy="run the teacher again",
            )
        positions = place.to_numpy(zero_copy_only=False).astype(np.int64)
        seen[positions] = True
        for task in tasks:
            filled[task.name][positions] = _prediction(table.column(task.name), task.width)
    if not seen.all():
        raise ArtefactError(
            f"the teacher has no prediction for {int((~seen).sum())} of {len(seen)} examples",
            remedy="run the teacher again",
        )
    return filled


def evaluation_routes(evaluate: Path) -> dict[str, tuple[str, str]]:
    """Return task -> (route, reason) as the evaluation decided."""
    rows: dict[str, Any] = json.loads((evaluate / "evaluation.json").read_text())["tasks"]
    return {name: (row["route"], row.get("route_reason") or "") for name, row in rows.items()}
