"""Entry point of the execution event: why a run ended, and its leases given back."""

import time
from typing import Any

from configs.contracts.names import Function, Metric
from lambdas.control import wiring
from lambdas.control.emf import count
from lambdas.control.executions import reason
from lambdas.stores.bounded import answering

SUCCEEDED = "SUCCEEDED"


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Record status and reason of an execution in its run's ledger; repeating it is harmless."""
    detail = event.get("detail", {})
    arn, status = str(detail.get("executionArn", "")), str(detail.get("status", ""))
    if not arn or not status:
        return {"outcome": "no execution named"}
    with answering("Step Functions"):
        described = wiring.client("stepfunctions").describe_execution(executionArn=arn)
    run_id = str(described["name"])
    entry = {
        "status": described["status"],
        "execution_arn": arn,
        "ended_at": int(time.time()),
    }
    if described["status"] != SUCCEEDED:
        entry["reason"] = reason(described.get("error"), described.get("cause"))
        count(Function.RECORD_EXECUTION, Metric.EXECUTIONS_FAILED)
    wiring.ledger().put(run_id, "outcome", entry)
    return {"outcome": str(described["status"])}
