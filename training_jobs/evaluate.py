"""Evaluate stage: the teacher beside its baselines, with intervals, routes and gate checks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.contracts.artefacts import canonical_json, write_checks
from configs.contracts.stages import Stage
from configs.settings.dataset import DatasetSettings
from configs.settings.evaluation import EvaluationSettings
from configs.settings.state_oracle import Ceiling
from configs.settings.tasks import Task, TasksSettings
from training_jobs.evaluation.alarm import comparable, state_oracle_alarm
from training_jobs.evaluation.baselines import BOOSTING, Fitted, fit_baselines
from training_jobs.evaluation.frame import SPLITS, Frame, decision_inputs, read_split
from training_jobs.evaluation.gate import evaluation_checks
from training_jobs.evaluation.judge import Judgement, calibration_points, judge
from training_jobs.evaluation.ledger import Ledger
from training_jobs.evaluation.routes import Route, bound_of, choose_route
from training_jobs.evaluation.sample import Array
from training_jobs.explain.gate_summary import summarise_gates
from training_jobs.ple.tasks import TaskSpec, read_tasks
from training_jobs.runtime import JobContext, run_job

TEACHER = "teacher"


@dataclass(frozen=True)
class Verdict:
    """All that is found out about one task."""

    warm: Judgement
    cold: Judgement
    curves: dict[str, list[dict[str, float | int]]]
    route: Route

    def plain(self, task: TaskSpec, ceilings: Mapping[str, Ceiling]) -> dict[str, Any]:
        """Return the JSON form, with what one who knows the latent state could score."""
        return {
            "type": task.type,
            "rows": self.warm.rows,
            "metrics": self.warm.plain(),
            "differences": {
                metric: {name: estimate.plain() for name, estimate in by_name.items()}
                for metric, by_name in self.warm.differences.items()
            },
            "ceilings": {
                metric: {"value": ceiling.value, "low": ceiling.low, "high": ceiling.high}
                for metric, ceiling in ceilings.items()
            },
            "cold": {"rows": self.cold.rows, "metrics": self.cold.plain()},
            "calibration": self.curves,
            "route": self.route.route,
            "route_reason": self.route.reason,
        }


class Evaluation:
    """Judges one task after the other over frames read once."""

    def __init__(
        self,
        settings: EvaluationSettings,
        declared: dict[str, Task],
        frames: dict[str, Frame],
        categorical: list[int],
    ) -> None:
        """Keep what all tasks share.

        Args:
            settings: of the evaluation.
            declared: task -> its configuration.
            frames: split -> rows.
            categorical: positions of categorical decision inputs.
        """
        self.settings, self.declared, self.frames = settings, declared, frames
        self.categorical = categorical

    def _judge(
        self,
        task: TaskSpec,
        names: tuple[str, ...],
        fitted: Fitted,
        parts: list[tuple[Frame, NDArray[np.bool_]]],
    ) -> Judgement:
        predictions: dict[str, list[Array]] = {TEACHER: []}
        for frame, kept in parts:
            predictions[TEACHER].append(frame.teacher[task.name][kept])
            for name, predict in fitted.predictors.items():
                predictions.setdefault(name, []).append(predict(frame)[kept])
        return judge(
            task,
            names,
            self.settings,
            labels=np.concatenate([frame.labels[task.name][kept] for frame, kept in parts]),
            customers=np.concatenate([frame.customers[kept] for frame, kept in parts]),
            predictions={name: np.concatenate(p) for name, p in predictions.items()},
        )

    def verdict(self, task: TaskSpec) -> Verdict:
        """Fit the baselines of a task, judge it on test and choose its route elsewhere."""
        declared, test = self.declared[task.name], self.frames["test"]
        fitted = fit_baselines(
            task,
            declared,
            self.settings,
            train=self.frames["train"],
            selection=self.frames["selection"],
            categorical=self.categorical,
        )
        routing = [
            (self.frames[split], ~self.frames[split].cold) for split in self.settings.routes.splits
        ]
        bound = bound_of(task, self.settings.routes)
        warm = ~test.cold
        shown = {TEACHER: test.teacher[task.name], BOOSTING: fitted.predictors[BOOSTING](test)}
        return Verdict(
            warm=self._judge(task, declared.metrics, fitted, [(test, warm)]),
            cold=self._judge(task, declared.metrics, fitted, [(test, test.cold)]),
            curves={
                name: calibration_points(
                    test.labels[task.name][warm], p[warm], self.settings.calibration_points
                )
                for name, p in shown.items()
            },
            route=choose_route(
                task,
                self.settings.routes,
                self._judge(task, (bound.metric,), fitted, routing),
                persistence=declared.persistence,
            ),
        )


def _verdicts(
    context: JobContext, evaluation: Evaluation, tasks: tuple[TaskSpec, ...]
) -> Iterator[tuple[str, Verdict]]:
    for done, task in enumerate(tasks):
        yield task.name, evaluation.verdict(task)
        context.progress(done + 1, len(tasks), task.name)


def main(context: JobContext) -> None:
    """Judge every task that is on and write `evaluation.json` and `checks.json`.

    Raises:
        SevenLensError: artefacts do not fit together.
    """
    settings = EvaluationSettings.model_validate(context.settings["evaluation"])
    declared = TasksSettings.model_validate(context.settings["tasks"])
    dataset = DatasetSettings.model_validate(context.settings["dataset"])
    phase0, teacher = context.inputs[Stage.PHASE0.value], context.inputs[Stage.TEACHER.value]
    tasks = read_tasks(json.loads((phase0 / "tasks.json").read_text()))
    lenses: list[str] = json.loads((teacher / "model.json").read_text())["lenses"]
    ledger = Ledger("evaluate")
    frames = {split: read_split(phase0, teacher, split, tasks, ledger) for split in SPLITS}
    _, categorical = decision_inputs(phase0)
    by_name = {task.name: task for task in declared.tasks}
    evaluation = Evaluation(settings, by_name, frames, categorical)
    verdicts = dict(_verdicts(context, evaluation, tasks))
    names = [task.name for task in tasks]
    gates = summarise_gates(teacher / "gates" / "test.parquet", names, len(lenses))
    ceilings = comparable(settings.state_oracle, tasks)
    content = {
        "tasks": {
            task.name: verdicts[task.name].plain(task, ceilings.get(task.name, {}))
            for task in tasks
        },
        "ledger": ledger.plain(),
        "gates": gates.plain(),
        "lenses": lenses,
    }
    (context.output / "evaluation.json").write_bytes(canonical_json(content))
    judgements = {name: verdict.warm for name, verdict in verdicts.items()}
    alarm = state_oracle_alarm(
        settings.state_oracle,
        simulated=dataset.simulated,
        data_hash=context.identity["data_hash"],
        ceilings=ceilings,
        judgements=judgements,
    )
    routes = {name: verdict.route for name, verdict in verdicts.items()}
    checks = evaluation_checks(
        settings, frames=frames, judgements=judgements, routes=routes, gates=gates
    )
    write_checks(context.output, [*checks, alarm])


if __name__ == "__main__":
    run_job(Stage.EVALUATE, main)
