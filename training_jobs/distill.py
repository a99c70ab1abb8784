"""Distill stage: one calibrated LightGBM student for each task of a group."""

import numpy as np

from configs.contracts.stages import Stage
from configs.errors import SettingsError
from configs.settings.distillation import DistillationSettings
from training_jobs.distillation.binned import bin_rows
from training_jobs.distillation.one_task import RULES, run_task
from training_jobs.distillation.outputs import write_outputs
from training_jobs.distillation.rows import (
    TaskRow,
    evaluation_routes,
    read_rows,
    read_tasks,
    read_teacher,
)
from training_jobs.evaluation.ledger import Ledger
from training_jobs.runtime import JobContext, run_job

EVERY = "*"
NO_VERDICT = (RULES, "the evaluation has no verdict on it")
READ_FOR = {
    "train": "fit students",
    "selection": "choose soft-label weight and features, stop students",
    "calibration": "calibrate students",
    "test": "tiers of fidelity: may withhold a student, chooses none",
}
"""Split -> what its labels are read for."""


def tasks_of(settings: DistillationSettings, group: str, tasks: list[TaskRow]) -> list[TaskRow]:
    """Return the tasks that are on and belong to a group.

    Raises:
        SettingsError: there is no such group.
    """
    if group not in settings.groups:
        raise SettingsError(
            f"distillation.groups has no group '{group}'",
            remedy=f"name one of: {', '.join(settings.groups)}",
        )
    wanted = settings.groups[group]
    return [task for task in tasks if EVERY in wanted or task.name in wanted]


def main(context: JobContext) -> None:
    """Train the group's students and write them with their quality and checks."""
    settings = DistillationSettings.model_validate(context.settings["distillation"])
    phase0, teacher = context.inputs["phase0"], context.inputs["teacher"]
    on = read_tasks(phase0)
    tasks = tasks_of(settings, context.identity["group"], on)
    routes = evaluation_routes(context.inputs["evaluate"])
    routed = {task.name: routes.get(task.name, NO_VERDICT) for task in tasks}
    ledger = Ledger(Stage.DISTILL)
    taught = [task for task in tasks if routed[task.name][0] != RULES]
    rows = read_rows(phase0, taught, uses=READ_FOR, ledger=ledger)
    opinions = read_teacher(teacher, rows, tasks)
    binned = bin_rows(rows, np.arange(len(rows.columns)), settings.student)
    outcomes = []
    for done, task in enumerate(tasks):
        context.progress(done, len(tasks), task.name)
        route, reason = routed[task.name]
        outcomes.append(
            run_task(
                task,
                rows,
                opinions[task.name],
                settings,
                binned=binned,
                route=route,
                route_reason=reason,
            )
        )
    context.progress(len(tasks), len(tasks), "students trained")
    write_outputs(context.output, rows, outcomes, ledger)


if __name__ == "__main__":
    run_job(Stage.DISTILL, main)
