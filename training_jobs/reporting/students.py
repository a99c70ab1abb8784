"""The students as served, judged on the test rows exactly as the evaluation judged the teacher.

The same rows, metrics, reference and resamples: intervals of student and teacher are comparable,
and their difference is paired.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from configs.settings.evaluation import EvaluationSettings
from training_jobs.distillation.rows import row_keys
from training_jobs.evaluation.baselines import MAJORITY, prior
from training_jobs.evaluation.judge import judge
from training_jobs.evaluation.labels import label_column
from training_jobs.evaluation.ledger import Ledger
from training_jobs.evaluation.sample import Array
from training_jobs.ple.tasks import MULTICLASS, TaskSpec, read_tasks
from training_jobs.reporting.documents import Inputs, NotAvailable, read

TEACHER, STUDENT = "teacher", "student"
TEST, TRAIN = "test", "train"
KEYS = ["customer_id", "as_of"]
READ_FOR = {
    TRAIN: "base rates that skills are measured against",
    TEST: f"intervals of each {STUDENT}, chooses nothing",
}
"""Split -> what its labels are read for."""
Estimates = dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """One task's student on test.

    Attributes:
        rows: labelled rows.
        metrics: metric -> estimate of the student.
        against_teacher: metric -> teacher minus student, paired.
    """

    rows: int
    metrics: Mapping[str, Estimates]
    against_teacher: Mapping[str, Estimates]


def _aligned(table: pa.Table, keys: pa.Array, task: TaskSpec) -> Array:
    place = pc.index_in(keys, value_set=row_keys(table))
    if place.null_count:
        raise NotAvailable(
            f"{place.null_count} of {len(keys)} test rows have no prediction for {task.name}"
        )
    column = table[task.name].take(place).combine_chunks()
    if task.type == MULTICLASS:
        values = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
        return np.asarray(values.reshape(-1, task.outputs))
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _labels(rows: pa.Table, task: str) -> Array:
    return np.asarray(rows[label_column(task)].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _base_rate(task: TaskSpec, labels: Array, rows: int) -> Array:
    shares = prior(task, labels)
    return np.tile(shares, (rows, 1)) if task.type == MULTICLASS else np.full(rows, shares[0])


def _predictions(inputs: Inputs) -> list[pa.Table]:
    return [
        pq.read_table(inputs.file(Stage.DISTILL, "predictions/test.parquet", group))
        for group in inputs.groups(Stage.DISTILL)
    ]


def _estimates(found: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Estimates]:
    return {metric: by_name[name].plain() for metric, by_name in found.items() if name in by_name}


def measure_students(
    inputs: Inputs, settings: EvaluationSettings, ledger: Ledger
) -> dict[str, Measured]:
    """Return task -> its student, judged; tasks without a student are left out.

    Args:
        inputs: of Phase 0, the teacher and the distillation.
        settings: of the evaluation.
        ledger: where the reads of labels go on record.

    Raises:
        NotAvailable: a file that this needs is not there.
    """
    path = inputs.file(Stage.PHASE0, "tasks.json")
    declared = read(path, path.name)
    names = {row["name"]: tuple(row["metrics"]) for row in declared["tasks"]}
    tasks = read_tasks(declared)
    examples = inputs.labelled(
        [*KEYS, "split", "cold"], [task.name for task in tasks], uses=READ_FOR, ledger=ledger
    )
    train = examples.filter(pc.equal(examples["split"], TRAIN))
    test = examples.filter(pc.and_(pc.equal(examples["split"], TEST), pc.invert(examples["cold"])))
    keys = row_keys(test)
    customers: NDArray[Any] = test["customer_id"].to_numpy(zero_copy_only=False)
    teacher = pq.read_table(inputs.file(Stage.TEACHER, "predictions/test.parquet"))
    found = {}
    for table in _predictions(inputs):
        for task in tasks:
            if task.name not in table.column_names:
                continue
            result = judge(
                task,
                names[task.name],
                settings,
                labels=_labels(test, task.name),
                customers=customers,
                predictions={
                    TEACHER: _aligned(teacher, keys, task),
                    STUDENT: _aligned(table, keys, task),
                    MAJORITY: _base_rate(task, _labels(train, task.name), len(keys)),
                },
            )
            found[task.name] = Measured(
                result.rows,
                _estimates(result.metrics, STUDENT),
                _estimates(result.differences, STUDENT),
            )
    return found
