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


def pending_packages(access: Access) -> list[Package]:
    """Return packages that wait, newest first."""
    client = access.client("sagemaker")
    listed = client.list_model_packages(
        ModelPackageGroupName=access.parameter(Parameter.MODEL_GROUP),
        ModelApprovalStatus=PENDING,
        SortBy="CreationTime",
        SortOrder="Descending",
    )["ModelPackageSummaryList"]
    packages = []
    for summary in listed:
        arn = summary["ModelPackageArn"]
        described = client.describe_model_package(ModelPackageName=arn)
        metadata = described.get("CustomerMetadataProperties", {})
        packages.append(
            Package(arn, metadata.get("run_id", ""), described.get("ModelPackageDescription", ""))
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


def decide(access: Access, package: Package, *, approver: str, approved: bool) -> None:
    """Record a person's decision in the registry; the pipeline resumes by the registry's event."""
    access.client("sagemaker").update_model_package(
        ModelPackageArn=package.arn,
        ModelApprovalStatus="Approved" if approved else "Rejected",
        ApprovalDescription=f"decided by {approver}",
        CustomerMetadataProperties={"decided_by": approver},
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
