"""The model registry: groups, numbered packages, approval and the event that it causes."""

import time
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.emulator.sagemaker.jobs import JobError
from local_cloud.emulator.sagemaker.records import epoch_milliseconds, put_event, service_model

EVENT = "SageMaker Model Package State Change"
SUMMARY = (
    "ModelPackageArn",
    "ModelPackageDescription",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "CreationTime",
)
NOT_STORED = ("Tags", "ClientToken")
CHANGEABLE = ("ModelApprovalStatus", "ApprovalDescription")


class Registry:
    """Model package groups and their versions."""

    def __init__(self) -> None:
        scoped = part("core.responses", "AccountRegionScopedDict")
        self.groups = scoped()
        self.packages = scoped()

    @staticmethod
    def _arn(kind: str, name: str) -> str:
        responses = part("core.responses")
        place = f"{responses.get_region()}:{responses.get_account_id()}"
        return f"arn:aws:sagemaker:{place}:{kind}/{name}"

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        if name in self.groups:
            raise JobError("ValidationException", f"Model Package Group already exists: {name}")
        arn = self._arn("model-package-group", name.lower())
        self.groups[name] = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription", ""),
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": {},
        }
        return {"ModelPackageGroupArn": arn}

    def group(self, name: str) -> dict[str, Any]:
        """DescribeModelPackageGroup, by name or ARN."""
        for key, group in self.groups.items():
            if name in (key, group["ModelPackageGroupArn"]):
                found: dict[str, Any] = group
                return found
        raise JobError("ValidationException", f"Model Package Group {name} does not exist.")

    def delete_group(self, name: str) -> dict[str, Any]:
        """DeleteModelPackageGroup; refused while it has packages."""
        group = self.group(name)
        if self.list({"ModelPackageGroupName": name})["ModelPackageSummaryList"]:
            raise JobError(
                "ConflictException", f"Model Package Group {name} still has model packages"
            )
        del self.groups[group["ModelPackageGroupName"]]
        return {}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackage into a group."""
        name = request.get("ModelPackageGroupName")
        if not name:
            raise JobError("ValidationException", "only packages of a group work offline")
        group = self.group(name)["ModelPackageGroupName"]
        versions = [
            package["ModelPackageVersion"]
            for package in self.packages.values()
            if package["ModelPackageGroupName"] == group
        ]
        version = max(versions, default=0) + 1
        arn = self._arn("model-package", f"{group.lower()}/{version}")
        self.packages[arn] = {
            **{key: value for key, value in request.items() if key not in NOT_STORED},
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
            "CertifyForMarketplace": False,
            "CreationTime": time.time(),
            "CreatedBy": {},
        }
        self._announce(arn)
        return {"ModelPackageArn": arn}

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeModelPackage, by ARN."""
        if name not in self.packages:
            raise JobError("ValidationException", f"ModelPackage {name} does not exist.")
        found: dict[str, Any] = self.packages[name]
        return found

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateModelPackage; a changed approval status is announced."""
        arn = request["ModelPackageArn"]
        package = self.describe(arn)
        before = package["ModelApprovalStatus"]
        package |= {key: request[key] for key in CHANGEABLE if key in request}
        properties = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for key in request.get("CustomerMetadataPropertiesToRemove", []):
            properties.pop(key, None)
        if properties:
            package["CustomerMetadataProperties"] = properties
        package["LastModifiedTime"] = time.time()
        package["LastModifiedBy"] = {}
        if package["ModelApprovalStatus"] != before:
            self._announce(arn)
        return {"ModelPackageArn": arn}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListModelPackages, newest first."""
        wanted = request.get("ModelPackageGroupName")
        group = self.group(wanted)["ModelPackageGroupName"] if wanted else None
        status = request.get("ModelApprovalStatus")
        rows = [
            {key: package[key] for key in SUMMARY if key in package}
            for package in self.packages.values()
            if (group is None or package["ModelPackageGroupName"] == group)
            and (status is None or package["ModelApprovalStatus"] == status)
        ]
        rows.sort(
            key=lambda row: (row["CreationTime"], row["ModelPackageVersion"]),
            reverse=request.get("SortOrder", "Descending") == "Descending",
        )
        return {"ModelPackageSummaryList": rows}

    def delete(self, name: str) -> dict[str, Any]:
        """DeleteModelPackage."""
        self.describe(name)
        del self.packages[name]
        return {}

    def _announce(self, arn: str) -> None:
        shape = service_model().operation_model("DescribeModelPackage").output_shape
        detail = epoch_milliseconds(self.packages[arn], shape)
        put_event(EVENT, {**detail, "ModelPackageName": arn.split(":model-package/")[-1]}, arn)
