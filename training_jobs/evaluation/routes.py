"""Which way a task is served: distilled from the teacher, fitted directly, or by rules."""

from dataclasses import dataclass

from configs.settings.evaluation import Bound, Routes
from training_jobs.evaluation.baselines import BOOSTING, PERSISTENCE
from training_jobs.evaluation.bootstrap import Estimate
from training_jobs.evaluation.judge import OVER_PERSISTENCE, Judgement
from training_jobs.ple.tasks import MULTICLASS, TaskSpec

DISTILL, DIRECT, RULES = "DISTILL", "DIRECT", "RULES"


@dataclass(frozen=True)
class Route:
    """A route and why."""

    route: str
    reason: str


def bound_of(task: TaskSpec, routes: Routes) -> Bound:
    """Return the bound of the task's type."""
    bounds = {"binary": routes.binary, "multiclass": routes.multiclass}
    return bounds.get(task.type, routes.regression)


def _above(estimate: Estimate, limit: float, *, interval: bool) -> bool:
    shown = estimate.low if interval else estimate.value
    return shown is not None and shown > limit


def _text(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "undefined"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def choose_route(
    task: TaskSpec, routes: Routes, judgement: Judgement, *, persistence: bool
) -> Route:
    """Choose on rows that are not the test split.

    Args:
        task: the task.
        routes: bounds by type.
        judgement: teacher and direct model on the routing splits.
        persistence: whether the task counts only as skill over persistence.
    """
    bound = bound_of(task, routes)
    over = persistence and task.type == MULTICLASS
    metric = OVER_PERSISTENCE if over and _has_persistence(judgement) else bound.metric
    estimates = judgement.metrics.get(metric)
    if estimates is None:
        return Route(RULES, f"{metric} is not among the task's metrics")
    teacher, direct = estimates["teacher"], estimates[BOOSTING]
    found = f"{metric}: teacher {_text(teacher)}, direct {_text(direct)}"
    end = " (lower end)" if bound.needs_interval else ""
    if _above(teacher, bound.viable, interval=bound.needs_interval):
        return Route(DISTILL, f"{found}; teacher above {bound.viable}{end}")
    if _above(direct, bound.floor, interval=bound.needs_interval):
        return Route(
            DIRECT, f"{found}; teacher not above {bound.viable}, direct above {bound.floor}{end}"
        )
    return Route(RULES, f"{found}; neither above {bound.floor}{end}")


def _has_persistence(judgement: Judgement) -> bool:
    return PERSISTENCE in judgement.metrics.get(OVER_PERSISTENCE, {})
