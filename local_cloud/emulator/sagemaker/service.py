"""The SageMaker API: JSON 1.1 requests to jobs and registry, and the service's stored state."""

import json
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator

from local_cloud.emulator.sagemaker.jobs import JobError, Jobs
from local_cloud.emulator.sagemaker.records import Record, describe, service_model
from local_cloud.emulator.sagemaker.registry import Registry
from local_cloud.emulator.sagemaker.specification import Kind

Request = dict[str, Any]
Answer = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
TARGET = "SageMaker."
CONTENT_TYPE = {"Content-Type": "application/x-amz-json-1.1"}


def _summary(record: Record) -> Answer:
    wire = describe(record)
    kind = record.kind
    wanted = (
        f"{kind}JobName",
        f"{kind}JobArn",
        f"{kind}JobStatus",
        "CreationTime",
        f"{kind}EndTime",
        "LastModifiedTime",
        "SecondaryStatus",
    )
    return {key: wire[key] for key in wanted if key in wire}


class SageMaker:
    """Dispatches requests; what it does not know it refuses by name.

    Args:
        jobs: training and processing jobs.
        registry: model packages.
        tags: ARN -> tags.
    """

    def __init__(self, jobs: Jobs, registry: Registry, tags: Any) -> None:
        self.jobs, self.registry, self.tags = jobs, registry, tags
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "AddTags": self._add_tags,
            "ListTags": lambda request: {"Tags": self._tags_of(request["ResourceArn"])},
            "CreateModelPackageGroup": self._create_group,
            "DescribeModelPackageGroup": lambda request: registry.group(
                request["ModelPackageGroupName"]
            ),
            "DeleteModelPackageGroup": lambda request: registry.delete_group(
                request["ModelPackageGroupName"]
            ),
            "CreateModelPackage": self._create_package,
            "DescribeModelPackage": lambda request: registry.describe(request["ModelPackageName"]),
            "UpdateModelPackage": registry.update,
            "ListModelPackages": registry.list,
            "DeleteModelPackage": lambda request: registry.delete(request["ModelPackageName"]),
        }
        for kind in Kind:
            self._add_job_operations(kind)

    def _add_job_operations(self, kind: Kind) -> None:
        name = f"{kind}JobName"

        def create(request: Request) -> Answer:
            record = self.jobs.create(kind, request)
            self.tags[record.arn] = list(request.get("Tags", []))
            return {f"{kind}JobArn": record.arn}

        def stop(request: Request) -> Answer:
            self.jobs.stop(self.jobs.get(kind, request[name]))
            return {}

        def listing(request: Request) -> Answer:
            wanted = request.get("StatusEquals")
            part = request.get("NameContains", "")
            rows = [
                _summary(record)
                for record in self.jobs.of_kind(kind)
                if part in record.name and wanted in (None, record.status)
            ]
            return {f"{kind}JobSummaries": rows[: request.get("MaxResults", 100)]}

        self._operations |= {
            f"Create{kind}Job": create,
            f"Describe{kind}Job": lambda request: describe(self.jobs.get(kind, request[name])),
            f"Stop{kind}Job": stop,
            f"List{kind}Jobs": listing,
        }

    def _tags_of(self, arn: str) -> list[dict[str, str]]:
        return list(self.tags.get(arn) or [])

    def _add_tags(self, request: Request) -> Answer:
        arn = request["ResourceArn"]
        merged = {tag["Key"]: tag["Value"] for tag in self._tags_of(arn) + request["Tags"]}
        self.tags[arn] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": self._tags_of(arn)}

    def _create_group(self, request: Request) -> Answer:
        answer = self.registry.create_group(request)
        self.tags[answer["ModelPackageGroupArn"]] = list(request.get("Tags", []))
        return answer

    def _create_package(self, request: Request) -> Answer:
        answer = self.registry.create(request)
        self.tags[answer["ModelPackageArn"]] = list(request.get("Tags", []))
        return answer

    def call(self, operation: str, request: Request) -> Answer:
        """Validate and carry out one operation. Raises JobError as the API would."""
        if operation not in self._operations:
            raise JobError("UnknownOperationException", f"{operation} does not work offline")
        report = ParamValidator().validate(
            request, service_model().operation_model(operation).input_shape
        )
        if report.has_errors():
            raise JobError("ValidationException", report.generate_report())
        return self._operations[operation](request)

    async def handle_request(
        self, _method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any
    ) -> Response:
        """Answer one request in the emulator's form: status, headers, body."""
        operation = headers.get("x-amz-target", "").removeprefix(TARGET)
        try:
            answer = self.call(operation, json.loads(body or b"{}"))
        except JobError as error:
            fault = {"__type": error.code, "message": error.message}
            return 400, dict(CONTENT_TYPE), json.dumps(fault).encode()
        return 200, dict(CONTENT_TYPE), json.dumps(answer).encode()

    def get_state(self) -> dict[str, Any]:
        """Return everything that a restart must find again."""
        scoped = type(self.tags)
        records = scoped()
        records._data = {
            key: record.as_json() for key, record in list(self.jobs.records._data.items())
        }
        return {
            "jobs": records,
            "groups": self.registry.groups,
            "packages": self.registry.packages,
            "tags": self.tags,
        }

    def load_persisted_state(self, data: dict[str, Any]) -> None:
        """Take back what `get_state` gave."""
        self.jobs.restore(data["jobs"])
        self.registry.groups.update(data["groups"])
        self.registry.packages.update(data["packages"])
        self.tags.update(data["tags"])

    def reset(self) -> None:
        """Forget everything."""
        for store in (
            self.jobs.records,
            self.registry.groups,
            self.registry.packages,
            self.tags,
        ):
            store.clear()
