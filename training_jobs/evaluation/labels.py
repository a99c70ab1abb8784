"""The one way to labels once they are derived: by split, and reads of test go on record."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from training_jobs.evaluation.ledger import Ledger

TEST = "test"


def label_column(task: str) -> str:
    """Return the column of an examples part that holds a task's labels."""
    return f"y_{task}"


def read_labelled(
    path: Path,
    columns: Sequence[str],
    tasks: Sequence[str],
    *,
    uses: Mapping[str, str],
    ledger: Ledger | None = None,
) -> pa.Table:
    """Return rows of some splits with their labels; those of other splits never leave the file.

    Args:
        path: an examples part.
        columns: other columns.
        tasks: whose labels.
        uses: split -> what its labels are read for.
        ledger: where the reads go on record; needed where test is among the splits.

    Raises:
        ValueError: labels of test without a ledger.
    """
    labels = [label_column(task) for task in tasks]
    if ledger is not None:
        for split, purpose in uses.items():
            ledger.record(split, labels, purpose)
    elif labels and TEST in uses:
        raise ValueError("labels of test are read on record only")
    wanted = pa.array(list(uses), pa.string())
    return pq.read_table(path, columns=[*columns, *labels], filters=pc.field("split").isin(wanted))
