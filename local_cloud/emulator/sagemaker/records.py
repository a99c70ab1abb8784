"""Job records: status and its history, the describe shape, and telling the other services."""

import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel

from local_cloud.emulator.internals import part
from local_cloud.emulator.sagemaker.specification import Kind

FINAL = ("Completed", "Failed", "Stopped")
LOG_GROUPS = {
    Kind.TRAINING: "/aws/sagemaker/TrainingJobs",
    Kind.PROCESSING: "/aws/sagemaker/ProcessingJobs",
}
REASON_LIMIT = 1024


@cache
def service_model() -> ServiceModel:
    """Return botocore's description of SageMaker, the one that a client validates with."""
    return botocore.session.get_session().get_service_model("sagemaker")


def epoch_milliseconds(value: Any, shape: Any) -> Any:
    """Return a wire value with its timestamps as Step Functions and EventBridge give them."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            key: epoch_milliseconds(item, shape.members[key]) if key in shape.members else item
            for key, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [epoch_milliseconds(item, shape.member) for item in value]
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return int(value * 1000)
    return value


@dataclass
class Record:
    """One job as the service knows it; everything in it is JSON.

    Attributes:
        request: the create request.
        transitions: SecondaryStatusTransitions with times in seconds.
        billable: seconds of instance time of all attempts.
    """

    kind: str
    name: str
    arn: str
    request: dict[str, Any]
    created: float
    status: str = "InProgress"
    secondary: str = "Starting"
    transitions: list[dict[str, Any]] = field(default_factory=list)
    started: float | None = None
    ended: float | None = None
    changed: float = 0.0
    failure: str = ""
    exit_message: str = ""
    artefacts: str = ""
    billable: float = 0.0
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self.status in FINAL

    def as_json(self) -> dict[str, Any]:
        """Return the record for storing."""
        return asdict(self)


class Board:
    """Changes a record and says so: transitions, events, and who waits for the end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def move(self, record: Record, secondary: str, message: str, *, status: str = "") -> None:
        """Enter a secondary status, and a status with it; the last of them ends the job."""
        now = time.time()
        with self._changed:
            if record.transitions:
                record.transitions[-1]["EndTime"] = now
            record.transitions.append(
                {"Status": secondary, "StartTime": now, "StatusMessage": message}
            )
            record.secondary = secondary
            record.changed = now
            if status:
                record.status = status
            if record.final:
                record.ended = now
                record.transitions[-1]["EndTime"] = now
            self._changed.notify_all()
        announce(record)

    def fail(self, record: Record, reason: str) -> None:
        """End the job as failed."""
        record.failure = re.sub(r"\s+", " ", reason)[:REASON_LIMIT]
        self.move(record, "Failed", f"{record.kind} job failed", status="Failed")

    def wait(self, record: Record, seconds: float) -> bool:
        """Wait until the job has ended or the time is over; returns whether it has ended."""
        with self._changed:
            return self._changed.wait_for(lambda: record.final, timeout=seconds)


def describe(record: Record) -> dict[str, Any]:
    """Return the describe answer in wire form, times in seconds."""
    shape = service_model().operation_model(f"Describe{record.kind}Job").output_shape
    answer = {key: value for key, value in record.request.items() if key in shape.members}
    kind = record.kind
    answer |= {
        f"{kind}JobName": record.name,
        f"{kind}JobArn": record.arn,
        f"{kind}JobStatus": record.status,
        "CreationTime": record.created,
        "LastModifiedTime": record.changed or record.created,
    }
    if record.started is not None:
        answer[f"{kind}StartTime"] = record.started
    if record.ended is not None:
        answer[f"{kind}EndTime"] = record.ended
    if record.failure:
        answer["FailureReason"] = record.failure
    if kind == Kind.PROCESSING:
        if record.exit_message:
            answer["ExitMessage"] = record.exit_message
        return answer
    answer |= {
        "SecondaryStatus": record.secondary,
        "SecondaryStatusTransitions": record.transitions,
        "FinalMetricDataList": list(record.metrics.values()),
    }
    if record.artefacts:
        answer["ModelArtifacts"] = {"S3ModelArtifacts": record.artefacts}
    if record.final and record.started is not None and record.ended is not None:
        answer["TrainingTimeInSeconds"] = round(record.ended - record.started)
        answer["BillableTimeInSeconds"] = round(record.billable)
    return answer


def describe_milliseconds(record: Record) -> dict[str, Any]:
    """Return the describe answer with times in milliseconds."""
    shape = service_model().operation_model(f"Describe{record.kind}Job").output_shape
    answer: dict[str, Any] = epoch_milliseconds(describe(record), shape)
    return answer


def announce(record: Record) -> None:
    """Send the state-change event that AWS sends."""
    put_event(
        f"SageMaker {record.kind} Job State Change", describe_milliseconds(record), record.arn
    )


def put_event(detail_type: str, detail: dict[str, Any], resource: str) -> None:
    """Put an event of source aws.sagemaker on the default bus."""
    part("services.eventbridge")._put_events(
        {
            "Entries": [
                {
                    "Source": "aws.sagemaker",
                    "DetailType": detail_type,
                    "Detail": json.dumps(detail),
                    "Resources": [resource],
                }
            ]
        },
        allow_aws_source=True,
    )


def log(group: str, stream: str, lines: list[str]) -> None:
    """Append lines to a log stream, made if absent."""
    logs = part("services.cloudwatch_logs")
    now = int(time.time() * 1000)
    entry = logs._log_groups.get(group)
    if entry is None:
        entry = {
            "arn": logs._make_group_arn(group),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
        logs._log_groups[group] = entry
    target = entry["streams"].setdefault(
        stream,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )
    logs._append_log_events(
        target, [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
    )
