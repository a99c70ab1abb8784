"""A person's decision on a model package, and taking it back."""

import json
from dataclasses import dataclass
from typing import Any

from configs.contracts.names import Parameter
from operations.access import Access, OperationError

PENDING = "PendingManualApproval"


@dataclass(frozen=True)
class Package:
    """A registered model package that waits for a decision."""

    arn: str
    run_id: str
    description: str
    submitter: str = ""


def pending_packages(access: Access) -> list[Package]:
    """Return packages that wait, newest first."""
    client = access.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=access.parameter(Parameter.MODEL_GROUP),
        ModelApprovalStatus=PENDING,
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    packages = []
    for page in pages:
        for summary in page["ModelPackageSummaryList"]:
            arn = summary["ModelPackageArn"]
            described = client.describe_model_package(ModelPackageName=arn)
            metadata = described.get("CustomerMetadataProperties", {})
            packages.append(
                Package(
                    arn,
                    metadata.get("run_id", ""),
                    described.get("ModelPackageDescription", ""),
                    metadata.get("submitter", ""),
                )
            )
    return packages


def waiting_package(access: Access, run_id: str | None) -> Package:
    """Return the package of a run, or the only one that waits.

    Raises:
        OperationError: none waits, or several do and no run was named.
    """
    waiting = [package for package in pending_packages(access) if run_id in (None, package.run_id)]
    if not waiting:
        raise OperationError(
            f"no package waits for approval{f' in run {run_id}' if run_id else ''}",
            remedy="see `make status` for runs and where they stand",
        )
    if len(waiting) > 1 and run_id is None:
        runs = ", ".join(package.run_id for package in waiting)
        raise OperationError(
            f"{len(waiting)} packages wait for approval", remedy=f"name one by RUN=: {runs}"
        )
    return waiting[0]


def refuse_own(package: Package, *, approver: str) -> None:
    """Keep a submitter from approving; the pipeline would refuse it too, but end the run by that.

    Raises:
        OperationError: the approver is the submitter by name.
    """
    if approver.strip().casefold() == package.submitter.strip().casefold():
        raise OperationError(
            f"{approver} submitted run {package.run_id}, so somebody else must approve it",
            remedy="ask a colleague to approve under their own name and credentials",
        )


def decide(access: Access, package: Package, *, approver: str, approved: bool) -> None:
    """Record a person's decision in the registry; the pipeline resumes by the registry's event.

    Raises:
        OperationError: no name was given, or the package was decided on already.
    """
    if not approver.strip():
        raise OperationError("a decision needs a name", remedy="give one by APPROVER=")
    client = access.client("sagemaker")
    described = client.describe_model_package(ModelPackageName=package.arn)
    status = described["ModelApprovalStatus"]
    if status != PENDING:
        raise OperationError(
            f"{package.arn} was decided on already: {status}",
            remedy="submit a new run: it skips what is committed and asks again",
        )
    client.update_model_package(
        ModelPackageArn=package.arn,
        ModelApprovalStatus="Approved" if approved else "Rejected",
        ApprovalDescription=f"decided by {approver}",
        CustomerMetadataProperties={
            **described.get("CustomerMetadataProperties", {}),
            "decided_by": approver,
        },
    )


def roll_back(access: Access) -> dict[str, Any]:
    """Point serving at the model before the present one.

    Raises:
        OperationError: there is no earlier model, or the function reports an error.
    """
    answer = access.client("lambda").invoke(
        FunctionName=access.parameter(Parameter.FLIP_POINTER_FUNCTION),
        Payload=json.dumps({"action": "rollback"}).encode(),
    )
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise OperationError(
            str(body.get("errorMessage", body)),
            remedy="see `make status`: a roll-back needs an earlier published model",
        )
    return body
