"""Checks of the ops agent: does the service run as it should?"""

from collections.abc import Mapping
from typing import Any

from configs.contracts.names import Metric
from lambdas.decision.policy import OpsPolicy
from lambdas.review.checks import Bound, Result, Status, measured, share


def _total(metrics: Mapping[str, Any], metric: Metric) -> float | None:
    """Return a metric's sum, None when it has no data point."""
    value = metrics.get(metric.value)
    return None if value is None else float(value)


def _kill_switch(control: Mapping[str, Any] | None) -> Result:
    title = "The kill switch is off"
    state = None if control is None else control.get("kill_switch")
    if state not in ("on", "off"):
        return Result("ops.kill_switch", title, Status.UNKNOWN, "not measured", "off")
    status = Status.PASS if state == "off" else Status.FAIL
    return Result("ops.kill_switch", title, status, str(state), "off")


def _model(control: Mapping[str, Any] | None) -> Result:
    title = "A model is published"
    if control is None:
        return Result("ops.model", title, Status.UNKNOWN, "not measured", "a model version")
    version = control.get("model_version")
    status = Status.PASS if version else Status.FAIL
    return Result("ops.model", title, status, str(version or "none"), "a model version")


def _failed_runs(runs: list[Mapping[str, Any]] | None) -> float | None:
    if not runs:
        return None
    return float(sum(str(row.get("status", "")).upper() == "FAILED" for row in runs))


def ops_checks(snapshot: Mapping[str, Any], policy: OpsPolicy) -> list[Result]:
    """Return the results for a snapshot; a part that could not be collected is UNKNOWN."""
    metrics = snapshot.get("metrics") or {}
    control = snapshot.get("control")
    answered = _total(metrics, Metric.RECOMMENDATIONS)
    written = _total(metrics, Metric.REASON_REWRITES)
    rejected = _total(metrics, Metric.REASON_REJECTED)
    rewritten = None if written is None or rejected is None else written + rejected
    return [
        _kill_switch(control),
        _model(control),
        measured(
            "ops.recommendations",
            "Answers given",
            answered,
            Bound(minimum=policy["recommendations_minimum"]),
        ),
        measured(
            "ops.rule_share",
            "Share of answers by the rule layer",
            share(_total(metrics, Metric.RULE_ANSWERS), answered),
            Bound(maximum=policy["rule_share_maximum"]),
        ),
        measured(
            "ops.latency",
            "Decision latency, 95th percentile",
            metrics.get(f"{Metric.LATENCY.value}.p95"),
            Bound(maximum=policy["latency_p95_ms_maximum"], unit="ms"),
        ),
        measured(
            "ops.records_failed",
            "Decision records that could not be written",
            _total(metrics, Metric.RECORDS_FAILED),
            Bound(maximum=0),
        ),
        measured(
            "ops.queue_failed",
            "Rewrite orders that could not be queued",
            _total(metrics, Metric.REASON_QUEUE_FAILED),
            Bound(maximum=0),
        ),
        measured(
            "ops.rejected_share",
            "Share of rewritten reasons that the gate refused",
            share(rejected, rewritten),
            Bound(maximum=policy["rejected_share_maximum"]),
        ),
        measured(
            "ops.failed_runs",
            "Training runs that failed",
            _failed_runs(snapshot.get("runs")),
            Bound(maximum=policy["failed_runs_maximum"]),
        ),
    ]
