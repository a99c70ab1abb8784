"""What evaluation reads: inputs, labels and teacher scores of the labelled splits, in one order."""

import json
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
from training_jobs.evaluation.sample import Array
from training_jobs.features.examples import KEYS
from training_jobs.features.reading import read_columns
from training_jobs.ple.tasks import MULTICLASS, TaskSpec

SPLITS = ("train", "selection", "calibration", "test")
PURPOSES = {
    "train": "fit baselines",
    "selection": "stop baselines, choose routes",
    "calibration": "choose routes",
    "test": "judge",
}


@dataclass(frozen=True)
class Frame:
    """The rows of one split.

    Attributes:
        customers: [n] ids.
        cold: [n] bool.
        features: [n, F] raw decision inputs, NaN where missing.
        labels: task -> [n], NaN where masked.
        states: column -> [n] what persistence baselines read, NaN where missing.
        teacher: task -> [n] or [n, C].
    """

    customers: NDArray[Any]
    cold: NDArray[np.bool_]
    features: NDArray[np.float32]
    labels: dict[str, Array]
    states: dict[str, Array]
    teacher: dict[str, Array]


def _numbers(table: pa.Table, name: str) -> Array:
    values: Array = table[name].cast(pa.float64()).to_numpy()
    return values


def _newest_category(phase0: Path, part: str, chosen: pa.ChunkedArray) -> Array | None:
    path = phase0 / "events" / part
    if not path.is_file():
        return None
    lists = pq.read_table(path, columns=["category"]).filter(chosen)["category"]
    offsets = np.asarray(lists.combine_chunks().offsets)
    values = np.asarray(lists.combine_chunks().flatten()).astype(np.float64)
    filled = offsets[1:] > offsets[:-1]
    newest = np.full(len(filled), np.nan)
    start = int(offsets[0])
    newest[filled] = values[offsets[:-1][filled] - start]
    return newest


def decision_inputs(phase0: Path) -> tuple[list[str], list[int]]:
    """Return the names of the decision inputs and the positions of the categorical ones."""
    schema = json.loads((phase0 / "feature_schema.json").read_text())
    kinds = {column["name"]: column["kind"] for column in schema["columns"]}
    names = list(schema["decision_inputs"])
    return names, [i for i, name in enumerate(names) if kinds[name] == "categorical"]


def _teacher(path: Path, keys: pa.Table, tasks: tuple[TaskSpec, ...]) -> dict[str, Array]:
    table = pq.read_table(path)
    if not table.select(KEYS).combine_chunks().equals(keys):
        raise ArtefactError(
            f"{path.name}: rows are not those of the examples", remedy="run the teacher again"
        )
    result = {}
    for task in tasks:
        shape = (len(table), task.outputs) if task.type == MULTICLASS else (len(table),)
        if task.name not in table.column_names:
            result[task.name] = np.full(shape, np.nan)
            continue
        column = table[task.name].combine_chunks()
        if task.type == MULTICLASS:
            values = np.asarray(column.flatten()).astype(np.float64)
            result[task.name] = values.reshape(shape)
        else:
            result[task.name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return result


def _examples(path: Path, split: str, tasks: tuple[TaskSpec, ...], ledger: Ledger) -> pa.Table:
    names = pq.read_schema(path).names
    return read_labelled(
        path,
        [*KEYS, "cold", *(name for name in names if name.startswith("b_"))],
        [task.name for task in tasks],
        uses={split: PURPOSES[split]},
        ledger=ledger,
    )


def read_split(
    phase0: Path, teacher: Path, split: str, tasks: tuple[TaskSpec, ...], ledger: Ledger
) -> Frame:
    """Read one split; labels of other splits never leave their files.

    A task that the teacher does not predict is NaN throughout, for the gate to refuse.

    Args:
        phase0: output of Phase 0.
        teacher: output of the teacher.
        split: which.
        tasks: tasks that are on.
        ledger: the read of labels goes on record here.

    Raises:
        ArtefactError: files do not stand in the same order.
    """
    names, _ = decision_inputs(phase0)
    kept, features, newest = [], [], []
    for path in sorted((phase0 / "examples").glob("part-*.parquet")):
        keys = pq.read_table(path, columns=["split"])
        chosen = pc.equal(keys["split"], split)
        kept.append(_examples(path, split, tasks, ledger))
        features.append(read_columns(phase0, path.name, names, chosen=chosen.to_numpy()))
        newest.append(_newest_category(phase0, path.name, chosen))
    examples = pa.concat_tables(kept)
    states = {
        name: _numbers(examples, name) for name in examples.column_names if name.startswith("b_")
    }
    seen = [part for part in newest if part is not None]
    if len(seen) == len(newest):
        states["newest_category"] = np.concatenate(seen)
    return Frame(
        customers=examples["customer_id"].to_numpy(),
        cold=examples["cold"].to_numpy().astype(bool),
        features=np.concatenate(features),
        labels={task.name: _numbers(examples, label_column(task.name)) for task in tasks},
        states=states,
        teacher=_teacher(
            teacher / "predictions" / f"{split}.parquet",
            examples.select(KEYS).combine_chunks(),
            tasks,
        ),
    )
