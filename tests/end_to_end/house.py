"""A deployed application on an embedded AWS of its own, and what tests do with it."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.contracts.tables import Table
from local_cloud.demo.result import stage_file
from local_cloud.session import Cloud
from operations.access import Access
from operations.approval import decide, pending_packages
from operations.call import call
from operations.follow import Standing, standing
from operations.standing import RunLedger, run_ledger
from operations.submit import Submission, submit

LIGHT = {
    "tasks.gate.minima": {"train": 20, "selection": 4, "calibration": 4, "test": 8},
    "tasks.gate.max_rate_ratio": 100.0,
    "teacher.training.shared_epochs": 1,
    "teacher.training.joint_epochs": 2,
    "evaluation.bootstrap.replicates": 50,
    "distillation.student.rounds": 20,
    "distillation.tiers.replicates": 50,
}
"""Settings under which a few hundred customers pass the whole pipeline in seconds."""
LIMIT_S = 900.0
"""Seconds after which a run hangs: a quick machine takes two minutes, a slow one more than four."""
EVERY_S = 0.2
JOB_EVERY_S = 0.05
OPERATOR = "a-person"
Watcher = Callable[[Standing], None]


def ignore(_now: Standing) -> None:
    """Watch nothing."""


@dataclass
class House:
    """One deployed application.

    Attributes:
        data: source folder of a small synthetic bank.
    """

    cloud: Cloud
    access: Access
    data: Path
    decided: set[str] = field(default_factory=set)

    def submit(self, data: Path | None = None, **more: Any) -> Submission:
        """Start a run; `more` are further overrides, with `__` for a dot."""
        overrides = LIGHT | {name.replace("__", "."): value for name, value in more.items()}
        return submit(
            self.access,
            dataset="synthetic",
            data=data or self.data,
            submitter="tests",
            overrides=overrides,
        )

    def finish(
        self, started: Submission, *, approve: bool | None = True, watch: Watcher = ignore
    ) -> Standing:
        """Follow a run to its end, deciding on its package; None leaves it waiting."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            now = standing(self.access, started.execution_arn)
            if now.finished:
                return now
            watch(now)
            if approve is not None and started.run_id not in self.decided:
                for package in pending_packages(self.access):
                    if package.run_id == started.run_id:
                        decide(self.access, package, approver=OPERATOR, approved=approve)
                        self.decided.add(started.run_id)
            time.sleep(EVERY_S)
        raise TimeoutError(f"{started.run_id} did not end: {now.steps[-1:]}")

    def ledger(self, started: Submission) -> RunLedger:
        """Return what the run wrote into the ledger."""
        return run_ledger(self.access, started.run_id)

    def hashes(self, started: Submission) -> dict[str, str]:
        """Return stage -> content hash of the run's outputs, without the report of the run."""
        return {
            str(row["stage"]): str(row["content_hash"])
            for row in self.ledger(started).stages
            if row["stage"] != "report"
        }

    def skipped(self, started: Submission) -> set[str]:
        """Return the stages that the run skipped."""
        return {str(row["stage"]) for row in self.ledger(started).stages if row["skipped"]}

    def file(self, started: Submission, stage: Any, name: str) -> bytes:
        """Return one file of a committed stage."""
        return stage_file(self.access, self.ledger(started), stage, name)

    def ask(self, customer: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Ask the API for recommendations."""
        body = {"customer_id": customer} | more
        return call(self.access, "/v1/recommendations", method="POST", body=body)

    def health(self) -> dict[str, Any]:
        """Ask the API how it is."""
        return call(self.access, "/v1/health")[1]

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return all items of a table."""
        resource = self.access.session.resource("dynamodb").Table(self.access.table(table))
        rows: list[dict[str, Any]] = resource.scan()["Items"]
        return rows

    def forget(self, *stages: str) -> None:
        """Forget that stages are committed, so that they run again."""
        table = self.access.session.resource("dynamodb").Table(self.access.table(Table.STAGES))
        for row in self.rows(Table.STAGES):
            if row["stage"] in stages:
                table.delete_item(Key={"stage": row["stage"], "stage_key": row["stage_key"]})

    def jobs(self) -> dict[str, list[int]]:
        """Return the process ids of running jobs."""
        found: dict[str, list[int]] = self.cloud.command("jobs")["processes"]
        return found

    def kill(self, stage: str, *, after_s: float) -> str:
        """Wait for the job of a stage, let it run for a while, kill it; returns its name."""
        mark = f"-{stage.replace('_', '')}-"
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            for name, processes in self.jobs().items():
                # A job whose inputs are still being fetched has no process yet.
                if mark in name and processes:
                    time.sleep(after_s)
                    for process in processes:
                        os.kill(process, signal.SIGKILL)
                    return name
            time.sleep(JOB_EVERY_S)
        raise TimeoutError(f"the job of {stage} was never seen")
