"""Entry point: parses, calls the service, serialises, counts. No rule of the product is here."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.metrics import MetricUnit

from configs.contracts.names import METRIC_NAMESPACE, Function, Metric
from configs.version import version
from lambdas.decision.model import BadPackage
from lambdas.decision.request import RequestRefused, parse_request
from lambdas.recommend import wiring
from lambdas.recommend.responses import as_response, error_body
from lambdas.recommend.service import Refused, Tally
from lambdas.stores.bounded import StoreUnavailable

SMOKE_HEADER = "x-sevenlens-smoke"

app = APIGatewayRestResolver()
logger = Logger(service=Function.RECOMMEND.value)
metrics = Metrics(namespace=METRIC_NAMESPACE, service=Function.RECOMMEND.value)


def _count(tally: Tally, started: float) -> None:
    counts = {
        Metric.RECOMMENDATIONS: 1,
        Metric.RULE_ANSWERS: int(tally.rules),
        Metric.REASON_CACHE_HITS: tally.cache_hits,
        Metric.REASON_ABSTAINED: tally.abstained,
        Metric.RECORDS_FAILED: tally.records_failed,
        Metric.REASON_QUEUE_FAILED: tally.queue_failed,
    }
    for metric, count in counts.items():
        metrics.add_metric(name=metric.value, unit=MetricUnit.Count, value=count)
    elapsed = (time.perf_counter() - started) * 1000
    metrics.add_metric(
        name=Metric.LATENCY.value, unit=MetricUnit.Milliseconds, value=round(elapsed, 3)
    )


def _refused(status: int, body: dict[str, Any]) -> Response[str]:
    metrics.add_metric(name=Metric.REQUESTS_REFUSED.value, unit=MetricUnit.Count, value=1)
    logger.info("refused", status=status, code=body["error"]["code"])
    return as_response(status, body)


@app.post("/v1/recommendations")
def recommend() -> Response[str]:
    """Answer one request for recommendations."""
    started = time.perf_counter()
    try:
        text = app.current_event.decoded_body
    except ValueError:
        text = None
    ports = wiring.ports()
    try:
        request = parse_request(text, ports.policy["request"])
        smoke = SMOKE_HEADER in {name.lower() for name in app.current_event.headers or {}}
        outcome = wiring.recommender().recommend(request, smoke=smoke)
    except RequestRefused as refusal:
        message = "the request cannot be answered as it stands"
        body = error_body(refusal.code, message, version=ports.version, problems=refusal.problems)
        return _refused(refusal.status, body)
    except Refused as refusal:
        body = error_body(refusal.code, refusal.message, version=ports.version)
        return _refused(refusal.status, body)
    _count(outcome.tally, started)
    logger.info(
        "decided",
        decision_id=outcome.body["decision_id"],
        model_version=outcome.body["model_version"],
        layer=outcome.body["layer"],
        products=len(outcome.body["recommendations"]),
        warnings=outcome.body["warnings"],
    )
    return as_response(200, outcome.body)


@app.get("/v1/health")
def health() -> Response[str]:
    """Tell whether the service could answer by its model: always 200, the body says what is."""
    ports = wiring.ports()
    body: dict[str, Any] = {
        "status": "ok",
        "version": ports.version,
        "model_version": None,
        "kill_switch": "unreadable",
    }
    try:
        control = ports.control.read()
        body["kill_switch"] = control.kill_switch
        body["model_version"] = control.model_version
        if control.model_version is None or control.prefix is None:
            body["status"] = "no_model"
        elif ports.models.load(control.model_version, control.prefix).students is None:
            body["status"] = "rules_only"
    except (StoreUnavailable, BadPackage):
        body["status"] = "degraded"
    return as_response(200, body)


@app.not_found
def not_found(_error: Exception) -> Response[str]:
    """Answer an unknown route."""
    return _refused(404, error_body("unknown_route", "there is no such route", version=version()))


def unforeseen(error: Exception) -> Response[str]:
    """Answer an error that nothing foresaw; its text may quote a customer and is not logged."""
    logger.error("failed", error=type(error).__name__, at=_place(error))
    return as_response(
        500, error_body("internal", "the request could not be answered", version=version())
    )


app.exception_handler(Exception)(unforeseen)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda entry point for API Gateway's REST proxy events."""
    try:
        return app.resolve(event, context)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()


def _place(error: BaseException) -> str:
    """Return the file and line an error was raised at, without any value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
