"""Train and selection rows, binned once and lent to every fit.

Bin edges come from train rows alone and know no label, so tasks and soft labels share them.
"""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from configs.settings.distillation import Student
from training_jobs.distillation.rows import Rows

Places = NDArray[np.int64]


def threads_for(rows: int, student: Student) -> int:
    """Return the threads worth waking for `rows`: they spin while they wait for each other."""
    return max(1, min(student.threads, rows // student.rows_per_thread))


def bin_parameters(student: Student) -> dict[str, Any]:
    """Return what a data set and the boosters over it must be told alike."""
    return {
        "max_bin": student.bins,
        # Off: rows are taken by task later, so no column may be left out for the rows of all.
        "feature_pre_filter": False,
        "min_data_in_leaf": student.min_leaf_rows,
        "deterministic": True,
        "force_col_wise": True,
        "verbose": -1,
    }


@dataclass(frozen=True)
class Binned:
    """LightGBM data sets over some of the decision inputs.

    Attributes:
        columns: positions of the columns among the decision inputs.
        train_places, valid_places: positions among all rows, ascending.
        train, valid: binned rows of train and of the selection half.
    """

    columns: Places
    train_places: Places
    valid_places: Places
    train: lightgbm.Dataset
    valid: lightgbm.Dataset

    def where(self, known: NDArray[np.bool_]) -> "Binned":
        """Return the rows that are True in `known`, [N] over all rows, with the same bins."""
        train, valid = known[self.train_places], known[self.valid_places]
        return Binned(
            self.columns,
            self.train_places[train],
            self.valid_places[valid],
            _taken(self.train, train),
            _taken(self.valid, valid),
        )


def _taken(data: lightgbm.Dataset, chosen: NDArray[np.bool_]) -> lightgbm.Dataset:
    # Constructed at once: a label set on a subset that is not built yet is lost in the building.
    return data.subset(np.flatnonzero(chosen).tolist()).construct()


def bin_rows(rows: Rows, columns: Places, student: Student) -> Binned:
    """Bin the given columns of all train rows; selection rows fall into the same bins."""
    train, valid = rows.of("train"), rows.of("selection")
    parameters = bin_parameters(student) | {"num_threads": threads_for(len(train), student)}
    fitted = lightgbm.Dataset(
        rows.features[np.ix_(train, columns)],
        np.zeros(len(train)),
        # The model text is read by people too: its splits name columns, not positions.
        feature_name=[rows.columns[place] for place in columns],
        params=parameters,
    ).construct()
    judged = fitted.create_valid(
        rows.features[np.ix_(valid, columns)], np.zeros(len(valid)), params=parameters
    ).construct()
    return Binned(columns, train, valid, fitted, judged)
