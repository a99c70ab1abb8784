"""Clients and stores of the control functions, made once for a process."""

import time
from functools import cache
from typing import Any

from configs.contracts.tables import Table
from lambdas.control.approvals import Approvals
from lambdas.control.costs import Costs
from lambdas.control.executions import execution_runs
from lambdas.control.leases import Leases
from lambdas.control.ledger import Ledger
from lambdas.control.stage_notes import StageNotes
from lambdas.control.stages import StageControl
from lambdas.stores.bounded import bounded_client

READ_SECONDS = 20.0


def client(service: str) -> Any:
    """Return a client that gives up within seconds."""
    return bounded_client(service, READ_SECONDS, 4)


@cache
def ledger() -> Ledger:
    """Return the run ledger."""
    return Ledger(client("dynamodb"), table=Table.RUNS.value.physical_name())


@cache
def costs() -> Costs:
    """Return the months' costs."""
    return Costs(client("dynamodb"), table=Table.RUNS.value.physical_name(), ledger=ledger())


@cache
def approvals() -> Approvals:
    """Return the packages that wait for a person."""
    return Approvals(
        client("dynamodb"), table=Table.APPROVALS.value.physical_name(), clock=time.time
    )


@cache
def leases() -> Leases:
    """Return the stages table."""
    return Leases(
        client("dynamodb"),
        table=Table.STAGES.value.physical_name(),
        is_running=lambda arn: execution_runs(client("stepfunctions"), arn),
        clock=time.time,
    )


@cache
def stage_control() -> StageControl:
    """Return the stage controller."""
    return StageControl(
        client("s3"), leases=leases(), notes=StageNotes(ledger(), costs()), clock=time.time
    )
