"""`make bench-overhead`: seconds that the pipeline adds to the compute of its jobs.

Overhead is the wall time of an execution less the time in which the process of one of its jobs
ran. `full` runs every stage; `unchanged` repeats the run, so that committed stages are skipped.
"""

import argparse
from typing import Any

from benchmarks.prepared import Prepared, prepared
from benchmarks.record import Figure, publish
from configs.contracts.stages import STAGES, JobKind, Stage
from operations.standing import run_ledger

RUNS = 5
WORDS = {JobKind.PROCESSING: "Processing", JobKind.TRAINING: "Training"}


def _compute_seconds(ready: Prepared, run_id: str) -> float:
    client = ready.access.client("sagemaker")
    total = 0.0
    for entry in run_ledger(ready.access, run_id).stages:
        if entry.get("skipped"):
            continue
        word = WORDS[STAGES[Stage(entry["stage"])].kind]
        describe = getattr(client, f"describe_{word.lower()}_job")
        job: dict[str, Any] = describe(**{f"{word}JobName": entry["job"]})
        total += (job[f"{word}EndTime"] - job[f"{word}StartTime"]).total_seconds()
    return total


def _overhead(ready: Prepared) -> float:
    run_id, execution = ready.run()
    described = ready.access.client("stepfunctions").describe_execution(executionArn=execution)
    wall: float = (described["stopDate"] - described["startDate"]).total_seconds()
    return wall - _compute_seconds(ready, run_id)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with prepared(given.customers) as ready:
        full = _overhead(ready)
        unchanged = tuple(_overhead(ready) for _ in range(RUNS))
    publish(
        "overhead",
        [Figure("overhead.full", "s", (full,)), Figure("overhead.unchanged", "s", unchanged)],
        packages=("ministack",),
        extra={"customers": given.customers},
    )


if __name__ == "__main__":
    main()
