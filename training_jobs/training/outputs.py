"""The teacher's output files: predictions and lens shares by split."""

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training_jobs.ple.tasks import MULTICLASS, TaskSpec
from training_jobs.training.rows import Rows
from training_jobs.training.score import Scores

LIST = pa.list_(pa.float32())


def _lists(values: NDArray[np.floating]) -> pa.Array:
    rows, width = values.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    return pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.float32).ravel()))


class SplitFile:
    """One growing Parquet pair of a split: `predictions/<split>` and `gates/<split>`."""

    def __init__(self, output: Path, split: str, tasks: tuple[TaskSpec, ...]) -> None:
        """Create both files; the columns are keys, then one a task."""
        self.tasks = tasks
        keys = [
            pa.field("customer_id", pa.string()),
            pa.field("as_of", pa.date32()),
            pa.field("cold", pa.bool_()),
        ]
        predictions = [
            pa.field(task.name, LIST if task.type == MULTICLASS else pa.float64()) for task in tasks
        ]
        self.schemas = {
            "predictions": pa.schema([*keys, *predictions]),
            "gates": pa.schema([*keys, *(pa.field(task.name, LIST) for task in tasks)]),
        }
        self.writers = {}
        for kind, schema in self.schemas.items():
            (output / kind).mkdir(parents=True, exist_ok=True)
            self.writers[kind] = pq.ParquetWriter(output / kind / f"{split}.parquet", schema)

    def write(self, rows: Rows, scores: Scores) -> None:
        """Append rows and what the teacher says of them, in the same order."""
        if not len(rows):
            return
        keys = [rows.keys["customer_id"], rows.keys["as_of"], pa.array(rows.cold)]
        predictions = [
            _lists(values) if values.ndim == 2 else pa.array(values)
            for values in (scores.predictions[task.name] for task in self.tasks)
        ]
        shares = [_lists(scores.shares[:, position]) for position in range(len(self.tasks))]
        for kind, columns in (("predictions", predictions), ("gates", shares)):
            schema = self.schemas[kind]
            self.writers[kind].write_table(
                pa.Table.from_arrays([*keys, *columns], names=schema.names).cast(schema)
            )

    def __enter__(self) -> "SplitFile":
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both files."""
        for writer in self.writers.values():
            writer.close()


def gather(rows: Rows, by_fold: dict[int, tuple[NDArray[np.int64], Scores]]) -> Scores:
    """Return the scores of all rows, each from the model that left its fold out.

    Args:
        rows: train rows.
        by_fold: fold -> positions of its rows and their scores.
    """
    positions = np.concatenate([at for at, _ in by_fold.values()])
    order = np.argsort(positions, kind="stable")
    if len(order) != len(rows):
        raise ValueError(f"{len(order)} out-of-fold scores for {len(rows)} train rows")
    scores = [part for _, part in by_fold.values()]
    names = scores[0].predictions
    return Scores(
        {name: np.concatenate([s.predictions[name] for s in scores])[order] for name in names},
        np.concatenate([s.shares for s in scores])[order],
    )
