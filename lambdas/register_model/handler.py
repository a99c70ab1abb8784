"""Entry point of registration: a package in the registry that waits for a person."""

import os
from typing import Any

from configs.contracts.functions import Grant
from configs.version import version
from lambdas.control import wiring
from lambdas.control.documents import Run, read_package
from lambdas.control.uris import locate
from lambdas.stores.bounded import answering

PENDING = "PendingManualApproval"


def _registered(sagemaker: Any, group: str, run_id: str) -> str | None:
    """A repeated call finds the package of its run instead of adding another."""
    with answering("the model registry"):
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        for page in pages:
            for row in page["ModelPackageSummaryList"]:
                arn = str(row["ModelPackageArn"])
                described = sagemaker.describe_model_package(ModelPackageName=arn)
                if described.get("CustomerMetadataProperties", {}).get("run_id") == run_id:
                    return arn
    return None


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return `package_arn` and `model_version`.

    Raises:
        BadInput: the event names no run, or the package cannot be read.
        StoreUnavailable: S3 or the registry does not answer.
    """
    run = Run.parse(event.get("run"))
    package = read_package(wiring.client("s3"), locate(str(event.get("package_uri"))))
    group = os.environ[Grant.CREATE_MODEL_PACKAGE.value]
    sagemaker = wiring.client("sagemaker")
    found = _registered(sagemaker, group, run.run_id)
    if found is None:
        with answering("the model registry"):
            found = sagemaker.create_model_package(
                ModelPackageGroupName=group,
                ModelPackageDescription=f"SevenLens {version()} model {package.model_version}",
                ModelApprovalStatus=PENDING,
                CustomerMetadataProperties={
                    "run_id": run.run_id,
                    "submitter": run.submitter,
                    "model_version": package.model_version,
                    "package_uri": str(event["package_uri"]),
                    "evaluation_uri": str(event["evaluate_uri"]),
                    "report_uri": f"{event['report_uri']}report.html",
                },
            )["ModelPackageArn"]
    return {"package_arn": found, "model_version": package.model_version}
