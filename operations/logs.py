"""Log lines of a run's jobs, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from operations.access import Access

GROUPS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


@dataclass(frozen=True)
class Line:
    """One log line: epoch milliseconds, the job's stream and the text."""

    at: int
    stream: str
    text: str


def job_lines(access: Access, job_names: list[str]) -> Iterator[Line]:
    """Yield the log lines of the named jobs, job by job in the given order."""
    client = access.client("logs")
    for name in job_names:
        for group in GROUPS:
            try:
                pages = client.get_paginator("filter_log_events").paginate(
                    logGroupName=group, logStreamNamePrefix=f"{name}/"
                )
                for page in pages:
                    for event in page["events"]:
                        yield Line(
                            event["timestamp"], event["logStreamName"], event["message"].rstrip()
                        )
            except client.exceptions.ResourceNotFoundException:
                # A log group appears with the first job of its kind.
                continue
