"""Ground truth must not lie among the data: a job reads all that lies below its input folder."""

from pathlib import Path

from configs.contracts.storage import TRUTH_MARK
from training_jobs.data.violations import Violation


def truth_inside(raw: Path) -> list[Violation]:
    """Return one violation for every ground-truth folder below the data folder, itself included."""
    return [
        Violation(
            mark.parent.relative_to(raw).as_posix(),
            "ground truth",
            "",
            "lies inside the data folder",
            1,
            (),
            "move the folder out of the data folder; no job may read it",
        )
        for mark in sorted(raw.rglob(TRUTH_MARK))
    ]
