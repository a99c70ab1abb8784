"""What the ledger says of the stages of a run: what ran, what was skipped, what both cost."""

from dataclasses import asdict
from typing import Any

from configs.contracts.stages import STAGES, Stage, StageContract
from lambdas.control.budget import Price
from lambdas.control.costs import Costs
from lambdas.control.documents import Run
from lambdas.control.leases import Commit
from lambdas.control.ledger import RUN_ENTRY, Ledger

STAGE_ENTRY = "stage#"
FACTS = ("stage", "group", "seconds", "skipped", "cost_usd", "avoided_usd", "stage_key")
"""What the report is told of each stage of its run."""


def _named(contract: StageContract, group: str | None) -> str:
    return contract.stage.value + (f"#{group}" if group is not None else "")


class StageNotes:
    """Notes on stages in the run ledger, and their charges in the month's."""

    def __init__(self, ledger: Ledger, costs: Costs) -> None:
        self._ledger = ledger
        self._costs = costs

    def _note(
        self, run: Run, contract: StageContract, group: str | None, content: dict[str, Any]
    ) -> None:
        position = list(STAGES).index(contract.stage)
        named = {"group": group} if group is not None else {}
        self._ledger.put(
            run.run_id,
            # Two digits, because entries are read in the order of their names.
            f"{STAGE_ENTRY}{position:02d}#{_named(contract, group)}",
            {"stage": contract.stage.value, **named, **content},
        )

    def started(
        self, run: Run, contract: StageContract, group: str | None, *, price: Price, at: float
    ) -> None:
        """Book the worst case of a job that may start now."""
        self._costs.open(run.month, run.run_id, _named(contract, group), price, at=at)

    def ran(
        self, run: Run, contract: StageContract, group: str | None, *, commit: Commit, job: str
    ) -> None:
        """Note a stage that this run committed, and book its cost."""
        self._costs.charge(run.month, run.run_id, _named(contract, group), commit.cost_usd)
        ran = {"skipped": False, "avoided_usd": 0.0, "job": job}
        self._note(run, contract, group, asdict(commit) | ran)

    def skipped(
        self, run: Run, contract: StageContract, group: str | None, *, commit: Commit
    ) -> None:
        """Note a stage that was committed already: it costs nothing, and what that avoided."""
        avoided = {"skipped": True, "cost_usd": 0.0, "avoided_usd": commit.cost_usd}
        self._note(run, contract, group, asdict(commit) | avoided)

    def facts(self, run: Run) -> dict[str, Any]:
        """Return what the report is told of its run so far."""
        entries = self._ledger.entries(run.run_id)
        rows = [
            {name: row.get(name) for name in FACTS}
            for row in entries
            if row["entry"].startswith(STAGE_ENTRY) and row["stage"] != Stage.REPORT.value
        ]
        started = next(
            (row.get("started_at") for row in entries if row["entry"] == RUN_ENTRY), None
        )
        return {
            "run_id": run.run_id,
            "submitter": run.submitter,
            "started_at": started,
            "stages": rows,
        }
