"""Phase 0: labels, splits and features of every example, with proof that nothing leaks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.contracts.artefacts import CHECKS_NAME, Check, write_checks
from configs.contracts.stages import Stage
from configs.settings.base import validate
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.features.fitting import NOTHING_GIVEN
from training_jobs.features.generator import Fitted
from training_jobs.features.run import Made, Progress, feature_steps, make_features
from training_jobs.features.sources import find
from training_jobs.hosts import ALONE, Share, leave_own
from training_jobs.runtime import JobContext, run_job
from training_jobs.sequence.precompute import read_given
from training_jobs.tasks.examples import write_examples


def viability_checks(report: Mapping[str, Any]) -> list[Check]:
    """Return what the viability gate decided: one check a task, and that at least one is on.

    Args:
        report: content of `tasks.json`.
    """
    tasks = report["tasks"]
    on = [task for task in tasks if task["status"] == "on"]
    checks = [
        Check(
            name=f"viability.{task['name']}",
            passed=task["status"] == "on",
            blocking=False,
            value=float(task["counts"]["train"]["rows"]),
            bound="enough labelled rows in every split",
            detail=task["reason"] or "on; the value is the labelled train rows",
        )
        for task in tasks
    ]
    first = Check(
        name="viability.tasks_on",
        passed=bool(on),
        blocking=True,
        value=float(len(on)),
        bound=">= 1",
        detail=f"{len(on)} of {len(tasks)} tasks are on",
    )
    return [first, *checks]


def phase0(
    tables: Path,
    output: Path,
    *,
    dataset: DatasetSettings,
    tasks: TasksSettings,
    features: FeaturesSettings,
    progress: Progress,
    given: Mapping[str, Fitted] = NOTHING_GIVEN,
    share: Share = ALONE,
) -> Made:
    """Write everything Phase 0 leaves behind into `output`; return what was made.

    With several hosts each makes the labels, the fit and the counts of all, but features and side
    tensors of its own shards only, and leaves and checks only those.

    Args:
        tables: the canonical tables of the preparation job.
        output: output folder of the stage.
        dataset: the data set.
        tasks: the prediction tasks.
        features: groups, side tensors and checks.
        progress: told (done, total, what).
        given: parameters of groups that an earlier stage fitted.
        share: this host's part of the shards.
    """
    every = find(tables).shards
    shards, steps = len(every), feature_steps(len(share.of(every)))
    report = write_examples(
        tables,
        output,
        dataset=dataset,
        tasks=tasks,
        progress=lambda done, _, what: progress(done, shards + steps, what),
    )
    made = make_features(
        tables,
        output,
        dataset=dataset,
        settings=features,
        progress=lambda done, total, what: progress(shards + done, shards + total, what),
        given=given,
        share=share,
    )
    leave_own(output, every, share=share)
    write_checks(output, [*viability_checks(report), *made.checks], name=share.part(CHECKS_NAME))
    return made


def main(context: JobContext) -> None:
    """Run Phase 0 on the prepared tables, with the encoder of the Mamba stage."""
    features = validate(FeaturesSettings, context.settings["features"], source="settings.features")
    made = phase0(
        context.inputs[Stage.PREFLIGHT] / "tables",
        context.output,
        dataset=validate(DatasetSettings, context.settings["dataset"], source="settings.dataset"),
        tasks=validate(TasksSettings, context.settings["tasks"], source="settings.tasks"),
        features=features,
        progress=context.progress,
        given=read_given(context.inputs[Stage.MAMBA], features),
        share=context.share,
    )
    seconds = {name: round(spent, 3) for name, spent in sorted(made.clock.seconds.items())}
    print(f"[timings] {json.dumps(seconds)}", flush=True)


if __name__ == "__main__":
    run_job(Stage.PHASE0, main)
