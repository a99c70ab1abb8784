"""The students of a package, evaluated for one customer in one pass."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.contracts.packed_model import ARRAYS_FILE, TABLE_FILE, Array, Link
from lambdas.decision.calibration import BadCalibrator, calibrated, check_calibrator, linked
from lambdas.decision.forest import BadForest, Forest, check_arrays
from lambdas.decision.ranking import Score

NEEDED_FILES = (ARRAYS_FILE, TABLE_FILE)
TYPES: dict[Array, str] = {
    Array.ROOTS: "int32",
    Array.OUTPUTS: "int32",
    Array.FEATURE: "int32",
    Array.THRESHOLD: "float64",
    Array.FLAGS: "uint8",
    Array.LEFT: "int32",
    Array.RIGHT: "int32",
    Array.LEAVES: "float64",
}


class BadStudents(ValueError):
    """The files do not describe students that can be evaluated."""


@dataclass(frozen=True)
class Student:
    """One task: the sums it owns (one a class), its link and its calibrator."""

    task: str
    sums: NDArray[np.int64]
    multiclass: bool
    link: Link
    slope: float
    calibrator: Mapping[str, Any]


@dataclass(frozen=True)
class PackedStudents:
    """All students; `scores` walks every tree once."""

    forest: Forest
    outputs: int
    students: tuple[Student, ...]

    def raw(self, features: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Return task -> output before calibration, as LightGBM's predict gives it."""
        sums = self.forest.sums(features, outputs=self.outputs)
        return {
            student.task: linked(sums[student.sums], student.link, slope=student.slope)
            for student in self.students
        }

    def scores(self, features: NDArray[np.float32]) -> dict[str, Score]:
        """Return task -> probability, class probabilities, or value.

        Args:
            features: float32[F] in the order of the decision inputs, NaN is missing.
        """
        outputs = self.raw(features)
        scores: dict[str, Score] = {}
        for student in self.students:
            values = calibrated(outputs[student.task], student.calibrator)
            scores[student.task] = (
                tuple(float(value) for value in values) if student.multiclass else float(values[0])
            )
        return scores


def _arrays(content: bytes) -> dict[Array, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = {row: stored[row.value] for row in Array}
    for row, kind in TYPES.items():
        if arrays[row].dtype != np.dtype(kind) or arrays[row].ndim != 1:
            raise BadStudents(f"array '{row}' is not {kind} in one dimension")
    return arrays


def _students(table: Mapping[str, Any]) -> tuple[Student, ...]:
    students = []
    for task, row in table["tasks"].items():
        owned = [
            (output["class"], position)
            for position, output in enumerate(table["outputs"])
            if output["task"] == task
        ]
        multiclass = any(number is not None for number, _ in owned)
        expected = list(range(len(owned))) if multiclass else [None]
        if [number for number, _ in owned] != expected:
            raise BadStudents(f"the outputs of '{task}' are not one, nor classes from 0 in order")
        check_calibrator(row["calibrator"])
        students.append(
            Student(
                task=str(task),
                sums=np.array([position for _, position in owned], dtype=np.int64),
                multiclass=multiclass,
                link=Link(row["link"]),
                slope=float(row.get("sigmoid", 1.0)),
                calibrator=row["calibrator"],
            )
        )
    return tuple(students)


def load_students(files: Mapping[str, bytes], *, inputs: int) -> PackedStudents:
    """Return the students in a package's packed files.

    Args:
        files: name -> content of `NEEDED_FILES`.
        inputs: number of decision inputs.

    Raises:
        BadStudents: the files do not describe students that can be evaluated.
    """
    try:
        arrays = _arrays(files[ARRAYS_FILE])
        table = json.loads(files[TABLE_FILE])
        students = _students(table)
        outputs = len(table["outputs"])
        check_arrays(arrays, inputs=inputs, sums=outputs)
    except BadStudents:
        raise
    except (ValueError, KeyError, TypeError, OSError, EOFError, BadForest, BadCalibrator) as error:
        raise BadStudents(f"the students cannot be read: {type(error).__name__}") from error
    return PackedStudents(Forest(arrays), outputs, students)
