"""Entry point of the registry's event: a person decided, the pipeline goes on or ends."""

import json
import os
import time
from typing import Any

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.approvals import Approvals
from lambdas.stores.bounded import answering

APPROVED, REJECTED = "Approved", "Rejected"
FOUR_EYES_VARIABLE = "APPROVER_MUST_DIFFER"
"""`true` where the submitter may not approve; anything but `false` counts as `true`."""


def _approver(described: dict[str, Any]) -> str:
    """Return who decided.

    AWS names the caller in `LastModifiedBy`; that identity counts before anything the caller
    wrote about itself. A decision without any name has no approver.
    """
    identity = described.get("LastModifiedBy", {})
    name = identity.get("UserProfileName") or identity.get("IamIdentity", {}).get("Arn")
    return str(name or described.get("CustomerMetadataProperties", {}).get("decided_by") or "")


def _refusal(status: str, approver: str, submitter: str) -> str | None:
    if status == REJECTED:
        return f"refused by {approver or 'an unnamed person'}"
    if not approver:
        return "approved by nobody: the registry names no approver"
    if os.environ.get(FOUR_EYES_VARIABLE) != "false" and approver == submitter:
        return f"approved by {approver}, who also submitted it"
    return None


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Send the decision to the waiting task; a repeated or foreign event changes nothing."""
    package = str(event.get("detail", {}).get("ModelPackageArn", ""))
    approvals = Approvals(
        wiring.client("dynamodb"), table=Table.APPROVALS.value.physical_name(), clock=time.time
    )
    waiting = approvals.waiting(package) if package else None
    if waiting is None:
        return {"outcome": "nothing waits"}
    with answering("the model registry"):
        described = wiring.client("sagemaker").describe_model_package(ModelPackageName=package)
    # The event may be old or forged; the registry's present state decides.
    status = described["ModelApprovalStatus"]
    if status not in (APPROVED, REJECTED):
        return {"outcome": "undecided"}
    approver = _approver(described)
    refusal = _refusal(status, approver, waiting["submitter"])
    decision = "refused" if refusal else "approved"
    states = wiring.client("stepfunctions")
    # The task is told first: a crash here repeats the event, and a second answer is refused by
    # Step Functions, while a decision without an answer would leave the run waiting.
    with answering("Step Functions"):
        try:
            if refusal:
                states.send_task_failure(
                    taskToken=waiting["task_token"], error="ApprovalRefused", cause=refusal
                )
            else:
                states.send_task_success(
                    taskToken=waiting["task_token"], output=json.dumps({"approver": approver})
                )
        except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
            decision = "too late"
    if approvals.close(package, decision=decision, approver=approver):
        wiring.ledger().put(
            waiting["run_id"],
            "approval",
            {
                "decision": decision,
                "approver": approver,
                "reason": refusal or "",
                "at": int(time.time()),
            },
        )
    return {"outcome": decision}
