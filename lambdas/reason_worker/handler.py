"""Entry point of the rewrite queue: partial batch failures, so that one item fails alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from configs.contracts.names import METRIC_NAMESPACE, Function, Metric
from lambdas.reason_worker.order import BadOrder, parse_order
from lambdas.reason_worker.service import Ports, ReasonWorker, Result
from lambdas.stores import bundled
from lambdas.stores.bounded import StoreUnavailable, bounded_client
from lambdas.stores.control_items import ControlItems
from lambdas.stores.converse import Converser, Guardrail
from lambdas.stores.reason_cache import ReasonCache
from lambdas.stores.serving_models import ServingModels

logger = Logger(service=Function.REASON_WORKER.value)
metrics = Metrics(namespace=METRIC_NAMESPACE, service=Function.REASON_WORKER.value)


@cache
def worker() -> ReasonWorker:
    """Return the worker with its real stores."""
    decision = bundled.decision_policy()
    tables = bounded_client("dynamodb")
    languages = bundled.languages()
    return ReasonWorker(
        Ports(
            control=ControlItems(tables, cache_seconds=decision["control"]["cache_seconds"]),
            models=ServingModels(
                bounded_client("s3"),
                protected=[row.protected for row in languages.values()],
                evaluate=False,
            ),
            cache=ReasonCache(tables),
            model=Converser(),
            guardrail=Guardrail(bounded_client("bedrock-runtime")),
            prompts=bundled.prompt,
            decision=decision,
            agents=bundled.agents_policy(),
            languages=languages,
        )
    )


def _count(result: Result) -> None:
    for metric, count in (
        (Metric.REASON_REWRITES, result.written),
        (Metric.REASON_REJECTED, result.refused),
    ):
        metrics.add_metric(name=metric.value, unit=MetricUnit.Count, value=count)


def _work(record: dict[str, Any]) -> bool:
    """Do one item; tell whether it is done with."""
    try:
        result = worker().work(parse_order(record["body"]))
    except BadOrder as error:
        logger.error("order_refused", message_id=record["messageId"], problem=str(error))
        return False
    except StoreUnavailable as error:
        logger.warning("order_failed", message_id=record["messageId"], problem=error.problem)
        return False
    _count(result)
    logger.info(
        "order_done",
        message_id=record["messageId"],
        written=result.written,
        present=result.present,
        refused=result.refused,
        why=result.why,
        skipped=result.skipped,
    )
    return True


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda entry point for SQS events.

    Items that failed are named in `batchItemFailures`; SQS delivers them again and, after the
    queue's limit, moves them to the dead-letter queue.
    """
    try:
        failed = [row["messageId"] for row in event["Records"] if not _work(row)]
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
