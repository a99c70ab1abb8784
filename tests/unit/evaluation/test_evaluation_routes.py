"""Routes: bounds are exact, what is unknown is not served, and test is out of reach."""

import math
from typing import Any

import pytest

from configs.settings.evaluation import Bound, EvaluationSettings
from tests.unit.evaluation.judging import raw_settings, settings, task
from training_jobs.evaluation.baselines import BOOSTING, PERSISTENCE
from training_jobs.evaluation.bootstrap import Estimate
from training_jobs.evaluation.judge import OVER_PERSISTENCE, Judgement
from training_jobs.evaluation.routes import choose_route
from training_jobs.ple.tasks import TaskSpec

NAN = float("nan")
UNKNOWN = Estimate(None, None, None)
TYPES = {
    "auc": task(),
    "log_loss_skill": task("multiclass", "ce", 3),
    "r2": task("regression", "huber"),
}


def around(value: float, half: float = 0.3) -> Estimate:
    return Estimate(value, value - half, value + half)


def route(metric: str, teacher: Estimate, direct: Estimate, *, spec: TaskSpec | None = None) -> str:
    judged = Judgement(100, {metric: {"teacher": teacher, BOOSTING: direct}}, {})
    chosen = choose_route(spec or TYPES[metric], settings().routes, judged, persistence=False)
    assert metric in chosen.reason
    return chosen.route


def just_above(value: float) -> float:
    return math.nextafter(value, math.inf)


@pytest.mark.parametrize(("metric", "viable", "floor"), [("auc", 0.60, 0.52), ("r2", 0.05, 0.01)])
def test_bounds_are_exact_and_must_be_exceeded(metric: str, viable: float, floor: float) -> None:
    nothing = around(-1.0)
    assert route(metric, around(just_above(viable)), nothing) == "DISTILL"
    assert route(metric, around(viable), nothing) == "RULES"
    assert route(metric, around(viable), around(just_above(floor))) == "DIRECT"
    assert route(metric, around(viable), around(floor)) == "RULES"


def test_classes_need_the_lower_end_of_the_interval() -> None:
    nothing = Estimate(-0.5, -0.6, -0.4)
    above, on = Estimate(0.2, just_above(0.0), 0.3), Estimate(0.2, 0.0, 0.3)
    assert route("log_loss_skill", above, nothing) == "DISTILL"
    assert route("log_loss_skill", on, nothing) == "RULES"
    assert route("log_loss_skill", on, above) == "DIRECT"
    assert route("log_loss_skill", on, on) == "RULES"
    assert route("log_loss_skill", Estimate(0.2, None, None), nothing) == "RULES"


def test_a_viable_teacher_is_distilled_even_beside_a_better_direct_model() -> None:
    assert route("auc", around(0.61), around(0.9)) == "DISTILL"


@pytest.mark.parametrize("unknown", [UNKNOWN, Estimate(NAN, NAN, NAN)], ids=["none", "nan"])
@pytest.mark.parametrize("metric", list(TYPES))
def test_what_is_unknown_is_not_served(metric: str, unknown: Estimate) -> None:
    assert route(metric, unknown, unknown) == "RULES"
    assert route(metric, unknown, Estimate(0.9, 0.8, 0.95)) == "DIRECT"
    assert route(metric, Estimate(0.9, 0.8, 0.95), unknown) == "DISTILL"


def test_a_metric_that_was_not_measured_serves_nothing() -> None:
    chosen = choose_route(task(), settings().routes, Judgement(0, {}, {}), persistence=False)
    assert chosen.route == "RULES"
    assert "not among" in chosen.reason


def judged_over(prior: Estimate, over: Estimate) -> Judgement:
    def both(estimate: Estimate) -> dict[str, Estimate]:
        return {"teacher": estimate, BOOSTING: UNKNOWN, PERSISTENCE: UNKNOWN}

    return Judgement(100, {"log_loss_skill": both(prior), OVER_PERSISTENCE: both(over)}, {})


@pytest.mark.parametrize(("persistence", "expected"), [(True, "RULES"), (False, "DISTILL")])
def test_a_persistent_class_counts_as_skill_over_persistence(
    *, persistence: bool, expected: str
) -> None:
    good, bad = Estimate(0.5, 0.4, 0.6), Estimate(-0.1, -0.2, 0.0)
    spec = TYPES["log_loss_skill"]
    chosen = choose_route(spec, settings().routes, judged_over(good, bad), persistence=persistence)
    assert chosen.route == expected
    other = choose_route(spec, settings().routes, judged_over(bad, good), persistence=persistence)
    assert other.route != expected


def test_shipped_bounds_are_the_specified_ones() -> None:
    shipped = settings().routes
    assert (shipped.binary.metric, shipped.binary.viable, shipped.binary.floor) == (
        "auc",
        0.6,
        0.52,
    )
    assert (shipped.regression.viable, shipped.regression.floor) == (0.05, 0.01)
    assert shipped.multiclass.needs_interval
    assert shipped.multiclass.viable == 0.0


def test_settings_that_would_route_on_test_or_turn_the_bounds_round_are_refused() -> None:
    raw: dict[str, Any] = raw_settings()
    raw["routes"]["splits"] = ["selection", "test"]
    with pytest.raises(ValueError, match="splits"):
        EvaluationSettings.model_validate(raw)
    with pytest.raises(ValueError, match="floor"):
        Bound(metric="auc", viable=0.5, floor=0.6)
