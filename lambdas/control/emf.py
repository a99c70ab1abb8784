"""Counts as CloudWatch embedded metric format: one JSON line of the log, no call to an API."""

import json
import time

from configs.contracts.names import METRIC_NAMESPACE, Function, Metric


def count(function: Function, metric: Metric, value: float = 1.0) -> None:
    """Print one metric with dimension `service`."""
    print(
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": METRIC_NAMESPACE,
                            "Dimensions": [["service"]],
                            "Metrics": [{"Name": metric.value, "Unit": "Count"}],
                        }
                    ],
                },
                "service": function.value,
                metric.value: value,
            }
        )
    )
