"""Carrying a person's decision from the registry to the task that waits for it."""

import json
import os
import time
from typing import Any

from lambdas.control import wiring
from lambdas.control.approvals import Decision, Waiting
from lambdas.control.four_eyes import same_person
from lambdas.stores.bounded import answering

APPROVED, REJECTED = "Approved", "Rejected"
FOUR_EYES_VARIABLE = "APPROVER_MUST_DIFFER"
"""`true` where the submitter may not approve; anything but `false` counts as `true`."""


def _names(described: dict[str, Any]) -> list[str]:
    """Return the names of who decided, the most trustworthy first.

    AWS names the caller in `LastModifiedBy`; that identity counts before anything the caller
    wrote about itself.
    """
    caller = described.get("LastModifiedBy") or {}
    found = (
        (caller.get("IamIdentity") or {}).get("Arn"),
        caller.get("UserProfileName"),
        (described.get("CustomerMetadataProperties") or {}).get("decided_by"),
    )
    return [str(name) for name in found if name]


def _decision(status: str, names: list[str], task: Waiting) -> Decision:
    approver = names[0] if names else ""
    if status == REJECTED:
        return Decision("refused", approver, f"refused by {approver or 'an unnamed person'}")
    if not approver:
        return Decision("refused", "", "approved by nobody: the registry names no approver")
    must_differ = os.environ.get(FOUR_EYES_VARIABLE) != "false"
    if must_differ and same_person(names, (task.submitter, task.submitter_arn)):
        return Decision("refused", approver, f"approved by {approver}, who also submitted it")
    return Decision("approved", approver)


def _tell(task: Waiting, decision: Decision) -> bool:
    """Send a decision to the task; returns False when the task does not wait (any more)."""
    states = wiring.client("stepfunctions")
    with answering("Step Functions"):
        try:
            if decision.outcome == "approved":
                states.send_task_success(
                    taskToken=task.task_token, output=json.dumps({"approver": decision.approver})
                )
            else:
                states.send_task_failure(
                    taskToken=task.task_token, error="ApprovalRefused", cause=decision.reason
                )
        except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
            return False
    return True


def settle(package: str) -> str:
    """Tell the task that waits for a package what was decided; returns what came of it.

    Whoever comes first settles: the registry's event, or the request for approval itself when a
    person was faster than the request. Repeating it changes nothing.

    Raises:
        StoreUnavailable: a store does not answer.
    """
    approvals = wiring.approvals()
    task = approvals.waiting(package) if package else None
    if task is None:
        return "nothing waits"
    decision = task.decision
    if decision is None:
        with answering("the model registry"):
            described = wiring.client("sagemaker").describe_model_package(ModelPackageName=package)
        # The event may be old or forged; the registry's present state decides.
        status = described["ModelApprovalStatus"]
        if status not in (APPROVED, REJECTED):
            return "undecided"
        decision = _decision(status, _names(described), task)
        if not approvals.decide(package, decision):
            return "decided by another event"
    told = _tell(task, decision)
    # A task that no longer waits was too late for a fresh decision; a recorded one it had heard.
    outcome = decision.outcome if told or task.decision is not None else "too late"
    wiring.ledger().put(
        task.run_id,
        "approval",
        {
            "decision": outcome,
            "approver": decision.approver,
            "reason": decision.reason,
            "at": int(time.time()),
        },
    )
    approvals.delivered(package, token=task.task_token, outcome=outcome)
    return outcome
