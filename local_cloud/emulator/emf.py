"""Embedded metric format: log lines that carry metrics become CloudWatch metrics.

On AWS the log service extracts them; the emulator stores the lines only.
Source: CloudWatch embedded metric format specification.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_cloud.emulator.internals import part

MARK = '"_aws"'


@dataclass(frozen=True)
class Datum:
    """One value of one metric under one set of dimensions.

    Attributes:
        timestamp: seconds since the epoch.
        values: one number or the list that the line held.
    """

    namespace: str
    name: str
    dimensions: dict[str, str]
    timestamp: float
    unit: str
    values: list[float]


def _numbers(value: Any) -> list[float]:
    given = value if isinstance(value, list) else [value]
    return [
        float(item)
        for item in given
        if isinstance(item, int | float) and not isinstance(item, bool)
    ]


def metrics_in(line: str) -> Iterator[Datum]:
    """Yield the metrics of a log line; none if it is not in embedded metric format.

    A dimension that the line does not define drops the whole set, as on AWS.
    """
    start = line.find("{")
    if start < 0 or MARK not in line:
        return
    try:
        content = json.loads(line[start:])
        directives = content["_aws"]["CloudWatchMetrics"]
        timestamp = content["_aws"]["Timestamp"] / 1000
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive.get("Dimensions") or [[]]:
            if not all(name in content for name in names):
                continue
            dimensions = {name: str(content[name]) for name in names}
            for metric in directive.get("Metrics", []):
                if values := _numbers(content.get(metric.get("Name"))):
                    yield Datum(
                        directive["Namespace"],
                        metric["Name"],
                        dimensions,
                        timestamp,
                        metric.get("Unit", "None"),
                        values,
                    )


def store(data: list[Datum]) -> None:
    """Put metrics into the emulator's CloudWatch and let alarms see them."""
    cloudwatch = part("services.cloudwatch")
    for datum in data:
        cloudwatch._store_datum(
            datum.namespace,
            datum.name,
            datum.dimensions,
            datum.timestamp or time.time(),
            datum.unit,
            None,
            datum.values,
            None,
            None,
        )
    if data:
        cloudwatch._evaluate_all_alarms()


def install() -> None:
    """Extract metrics from every log event that is stored, whoever wrote it."""
    logs = part("services.cloudwatch_logs")
    before = logs._append_log_events

    def append_log_events(stream: Any, events: list[dict[str, Any]]) -> None:
        before(stream, events)
        store([datum for event in events for datum in metrics_in(str(event.get("message", "")))])

    logs._append_log_events = append_log_events
