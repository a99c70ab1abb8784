"""What a review observes: metrics, runs and decision records, each readable or not by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from configs.contracts.names import METRIC_NAMESPACE, Function, Metric
from configs.contracts.tables import Table
from lambdas.stores.bounded import answering

P95 = "p95"
PERIOD_SECONDS = 3600
SERVICES: dict[Metric, Function] = {
    Metric.RECOMMENDATIONS: Function.RECOMMEND,
    Metric.RULE_ANSWERS: Function.RECOMMEND,
    Metric.REASON_CACHE_HITS: Function.RECOMMEND,
    Metric.REASON_ABSTAINED: Function.RECOMMEND,
    Metric.REASON_QUEUE_FAILED: Function.RECOMMEND,
    Metric.RECORDS_FAILED: Function.RECOMMEND,
    Metric.REQUESTS_REFUSED: Function.RECOMMEND,
    Metric.REASON_REWRITES: Function.REASON_WORKER,
    Metric.REASON_REJECTED: Function.REASON_WORKER,
}
"""Metrics that are summed, with the function that writes each."""


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


class MetricReader:
    """Reads the application's own metrics."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, start: datetime, end: datetime) -> dict[str, float | None]:
        """Return metric -> sum over the window, and `DecisionLatency.p95`; None without data.

        The window is widened to whole hours, in which CloudWatch keeps what it adds up: the
        hour that is running counts.

        The latency is the highest of the hourly 95th percentiles, which is what CloudWatch can
        tell without bias.

        Raises:
            StoreUnavailable: CloudWatch did not answer.
        """
        wanted = [(metric, function, "Sum") for metric, function in SERVICES.items()]
        wanted.append((Metric.LATENCY, Function.RECOMMEND, P95))
        queries = [
            {
                "Id": f"m{position}",
                "ReturnData": True,
                "MetricStat": {
                    "Metric": {
                        "Namespace": METRIC_NAMESPACE,
                        "MetricName": metric.value,
                        "Dimensions": [{"Name": "service", "Value": function.value}],
                    },
                    "Period": PERIOD_SECONDS,
                    "Stat": stat,
                },
            }
            for position, (metric, function, stat) in enumerate(wanted)
        ]
        values: dict[str, list[float]] = {}
        with answering("CloudWatch"):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=_hour(start),
                EndTime=_hour(end) + timedelta(seconds=PERIOD_SECONDS),
            )
            for page in pages:
                for row in page["MetricDataResults"]:
                    values.setdefault(row["Id"], []).extend(row["Values"])
        result: dict[str, float | None] = {}
        for position, (metric, _, stat) in enumerate(wanted):
            found = values.get(f"m{position}", [])
            name = metric.value if stat != P95 else f"{metric.value}.{P95}"
            result[name] = (max(found) if stat == P95 else sum(found)) if found else None
        return result


class TableReader:
    """Reads a bounded number of items of a table, all their string attributes."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def scan(
        self, table: Table, *, limit: int, since: str | None = None, by: Sequence[str] = ()
    ) -> list[dict[str, str]]:
        """Return at most `limit` items, newest first by the first of the attributes `by` present.

        Args:
            since: leave out items whose attribute `by` is smaller (ISO 8601 text).

        Raises:
            StoreUnavailable: the table did not answer.
        """
        items: list[dict[str, str]] = []
        with answering(f"the {table.value.name} table"):
            pages = self._client.get_paginator("scan").paginate(
                TableName=table.value.physical_name()
            )
            for page in pages:
                items.extend(
                    {key: next(iter(value.values())) for key, value in item.items()}
                    for item in page["Items"]
                )

        def moment(item: dict[str, str]) -> str:
            return next((str(item[name]) for name in by if item.get(name)), "")

        kept = [item for item in items if since is None or moment(item) >= since]
        return sorted(kept, key=moment, reverse=True)[:limit]
