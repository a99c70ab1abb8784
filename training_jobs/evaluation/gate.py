"""What the evaluation gate reads: reasons to stop a run whose teacher cannot be trusted."""

from collections.abc import Mapping

import numpy as np

from configs.contracts.artefacts import Check
from configs.settings.evaluation import EvaluationSettings
from training_jobs.evaluation.frame import Frame
from training_jobs.evaluation.judge import Judgement
from training_jobs.evaluation.routes import RULES, Route
from training_jobs.explain.gate_summary import GateSummary

SHARE_TOLERANCE = 1e-4


def _finite(frames: Mapping[str, Frame]) -> Check:
    # Not test alone: students learn from train scores and are calibrated on calibration scores.
    wrong = sum(
        int((~np.isfinite(p)).sum()) for frame in frames.values() for p in frame.teacher.values()
    )
    return Check(
        "teacher_finite", wrong == 0, True, float(wrong), "0", "predictions that are not finite"
    )


def _evaluated(judgements: dict[str, Judgement]) -> Check:
    missing = [
        task
        for task, judgement in judgements.items()
        if all(by["teacher"].value is None for by in judgement.metrics.values())
    ]
    return Check(
        "every_task_evaluated",
        not missing and bool(judgements),
        True,
        float(len(missing)),
        "0",
        f"tasks without a metric: {', '.join(missing) or 'none'}",
    )


def _served(routes: dict[str, Route]) -> Check:
    served = [task for task, route in routes.items() if route.route != RULES]
    return Check(
        "some_task_served",
        bool(served),
        True,
        float(len(served)),
        ">= 1",
        f"tasks with a model: {', '.join(served) or 'none'}",
    )


def _constant(test: Frame) -> Check:
    # Whatever its route: one prediction for all is a dead tower, not a hard task.
    constant = [task for task, p in test.teacher.items() if float(np.ptp(p, axis=0).max()) == 0.0]
    return Check(
        "no_constant_teacher",
        not constant,
        True,
        float(len(constant)),
        "0",
        f"tasks with one prediction for all: {', '.join(constant) or 'none'}",
    )


def _leaks(settings: EvaluationSettings, judgements: dict[str, Judgement]) -> list[Check]:
    checks = []
    for metric, bound in sorted(settings.leak_alarm.items()):
        values = {
            task: judgement.metrics[metric]["teacher"].value
            for task, judgement in judgements.items()
            if metric in judgement.metrics
        }
        known = {task: value for task, value in values.items() if value is not None}
        if not known:
            continue
        worst = max(known, key=lambda task: known[task])
        checks.append(
            Check(
                f"leak_alarm_{metric}",
                known[worst] <= bound,
                True,
                known[worst],
                f"<= {bound}",
                f"highest on {worst}: above the bound a leak is likelier than skill",
            )
        )
    return checks


def evaluation_checks(
    settings: EvaluationSettings,
    *,
    frames: Mapping[str, Frame],
    judgements: dict[str, Judgement],
    routes: dict[str, Route],
    gates: GateSummary,
) -> list[Check]:
    """Return the blocking checks of the evaluation gate.

    Args:
        settings: bounds of the leak alarm.
        frames: split -> rows with the teacher's predictions.
        judgements: of every task that is on, on test.
        routes: of every task that is on.
        gates: lens shares on test.
    """
    return [
        _finite(frames),
        _evaluated(judgements),
        _served(routes),
        _constant(frames["test"]),
        Check(
            "gate_shares_sum_to_one",
            gates.worst_sum is not None and gates.worst_sum <= SHARE_TOLERANCE,
            True,
            gates.worst_sum,
            f"<= {SHARE_TOLERANCE}",
            "largest distance of a row's lens shares from sum 1",
        ),
        *_leaks(settings, judgements),
    ]
