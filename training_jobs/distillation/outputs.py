"""What the distill stage leaves: students as text, their table, calibrated scores, checks."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.contracts.artefacts import Check, canonical_json, write_checks
from training_jobs.distillation.one_task import RULES, Outcome
from training_jobs.distillation.rows import Rows
from training_jobs.evaluation.ledger import Ledger

SCORED = ("test", "score")


def _column(outcome: Outcome, places: np.ndarray) -> pa.Array:  # type: ignore[type-arg]
    scores = outcome.scores
    if scores is None:
        raise ValueError(f"task {outcome.task.name} has no scores")
    if outcome.task.type == "multiclass":
        rows = scores[places].astype(np.float32)
        return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), outcome.task.width)
    return pa.array(scores[places])


def _predictions(folder: Path, rows: Rows, outcomes: list[Outcome]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split in SCORED:
        places = np.flatnonzero(rows.split == split)
        columns = {
            "customer_id": rows.customers.take(pa.array(places)),
            "as_of": rows.as_of.take(pa.array(places)),
            "cold": pa.array(rows.cold[places]),
        }
        columns |= {
            row.task.name: _column(row, places) for row in outcomes if row.scores is not None
        }
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")


def checks_of(outcomes: list[Outcome]) -> list[Check]:
    """Return the fidelity gate's checks: something is served, and all that is served is sound."""
    served = [row for row in outcomes if row.student is not None]
    checks = [
        Check(
            "fidelity.tasks_served",
            passed=bool(served),
            blocking=True,
            value=float(len(served)),
            bound=">= 1",
            detail=f"{len(served)} of {len(outcomes)} tasks have a student",
        )
    ]
    for row in outcomes:
        withheld = row.route == RULES and row.requested != RULES
        checks.append(
            Check(
                f"fidelity.{row.task.name}",
                passed=not withheld,
                blocking=False,
                value=float(row.student is not None),
                bound="1 where a student was asked for",
                detail=row.reason or f"served by {row.route}",
            )
        )
    return checks


def write_outputs(output: Path, rows: Rows, outcomes: list[Outcome], ledger: Ledger) -> None:
    """Write everything the distill stage leaves into `output`."""
    (output / "students").mkdir(parents=True, exist_ok=True)
    for row in outcomes:
        if row.student is not None:
            text = row.student.booster.model_to_string(
                num_iteration=row.student.booster.best_iteration
            )
            (output / "students" / f"{row.task.name}.txt").write_text(text)
    table = {
        "tasks": {row.task.name: row.as_json(rows.columns) for row in outcomes},
        "ledger": ledger.plain(),
    }
    (output / "students.json").write_bytes(canonical_json(table))
    _predictions(output / "predictions", rows, outcomes)
    write_checks(output, checks_of(outcomes))
