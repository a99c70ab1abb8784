"""Entry point of the execution event: how a run ended and why, and its reservation given back."""

import time
from typing import Any

from configs.contracts.names import Function, Metric
from lambdas.control import wiring
from lambdas.control.emf import count
from lambdas.control.executions import ENDED, SUCCEEDED, reason
from lambdas.control.ledger import RUN_ENTRY
from lambdas.stores.bounded import answering


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Record status and reason of an execution in its run's entry; repeating it is harmless.

    The event may be late: what Step Functions says now counts, and a redriven execution has not
    ended.

    Raises:
        StoreUnavailable: Step Functions or the ledger does not answer; the event comes again.
    """
    arn = str(event.get("detail", {}).get("executionArn", ""))
    if not arn:
        return {"outcome": "no execution named"}
    with answering("Step Functions"):
        described = wiring.client("stepfunctions").describe_execution(executionArn=arn)
    status, run_id, now = str(described["status"]), str(described["name"]), time.time()
    if status not in ENDED:
        return {"outcome": status}
    ledger = wiring.ledger()
    begun = next((row for row in ledger.entries(run_id) if row["entry"] == RUN_ENTRY), {})
    if month := begun.get("month"):
        wiring.costs().settle(str(month), run_id, now=now)
    ledger.end(
        run_id,
        {"status": status, "execution_arn": arn, "ended_at": int(now)},
        reason=None if status == SUCCEEDED else reason(described),
    )
    if status != SUCCEEDED:
        count(Function.RECORD_EXECUTION, Metric.EXECUTIONS_FAILED)
    return {"outcome": status}
