"""Teacher stage: trains the full model and the fold models, scores every split, records gates."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from configs.contracts.artefacts import canonical_json
from configs.contracts.stages import Stage
from configs.settings.teacher import TeacherSettings
from training_jobs.ple.tasks import TaskSpec, read_tasks
from training_jobs.runtime import JobContext, run_job
from training_jobs.training.checkpoint import write_tensors
from training_jobs.training.crossfit import FULL, SELECTION, TRAIN, Crossfit, Plan
from training_jobs.training.layout import read_layout
from training_jobs.training.machine import prepare_machine
from training_jobs.training.outputs import SplitFile, gather
from training_jobs.training.rows import Rows, concatenate, read_parts
from training_jobs.training.score import Scores, score
from training_jobs.training.trainer import Trained

TASKS_NAME = "tasks.json"
LATER_SPLITS = ("selection", "calibration", "test", "score")


def _reporter(context: JobContext, plan: Plan, place: int, models: int) -> Callable[..., None]:
    def report(done: int, total: int, what: str) -> None:
        context.progress(
            place * total + done, models * total, f"model {place + 1}/{models} {plan.name}: {what}"
        )

    return report


def _describe(
    crossfit: Crossfit, trained: dict[str, Trained], settings: TeacherSettings
) -> dict[str, Any]:
    full = trained[FULL]
    return {
        "lenses": list(full.model.lenses),
        "absent_experts": crossfit.absent,
        "tasks": [
            {
                "name": task.name,
                "type": task.type,
                "loss": task.loss,
                "classes": list(task.classes) or None,
                "prior": list(full.statistics[task.name].prior),
                "sd": full.statistics[task.name].sd,
            }
            for task in crossfit.tasks
        ],
        "architecture": settings.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in full.model.parameters()),
        "inputs": {
            "numeric": [column.name for column in crossfit.layout.numeric],
            "codes": list(crossfit.layout.codes),
            "private": list(crossfit.layout.private),
        },
        "models": {
            name: {"best_epoch": max_epoch(one), "epochs": len(one.log)}
            for name, one in trained.items()
        },
        "collapse": "path weights: own gate weight plus private weight times earlier share",
    }


def max_epoch(trained: Trained) -> int:
    """Return the joint epoch whose weights were kept: the first with the best composite."""
    joint = [row for row in trained.log if row["phase"] == "joint"]
    return int(max(joint, key=lambda row: row["composite"])["epoch"])


def _score(trained: Trained, rows: Rows, settings: TeacherSettings, device: torch.device) -> Scores:
    return score(
        trained.model, rows.batch, trained.statistics, size=settings.score_batch, device=device
    )


def _out_of_fold(
    crossfit: Crossfit, trained: dict[str, Trained], rows: Rows, settings: TeacherSettings
) -> Scores:
    by_fold = {}
    for plan in crossfit.plans:
        if plan.left_out is None:
            continue
        at = np.flatnonzero(rows.fold == plan.left_out)
        one = trained[plan.name]
        by_fold[plan.left_out] = (
            at,
            score(
                one.model,
                rows.batch.select(torch.from_numpy(at)),
                one.statistics,
                size=settings.score_batch,
                device=crossfit.device,
            ),
        )
    return gather(rows, by_fold)


def _write_scores(
    context: JobContext,
    phase0: Path,
    crossfit: Crossfit,
    trained: dict[str, Trained],
    settings: TeacherSettings,
) -> int:
    tasks: tuple[TaskSpec, ...] = crossfit.tasks
    scored = 0
    for split in (TRAIN, *LATER_SPLITS):
        with SplitFile(context.output, split, tasks) as files:
            for rows in read_parts(
                phase0, crossfit.layout, tasks=(), splits=(split,), clip=settings.clip_sd
            ):
                if not len(rows):
                    continue
                if split == TRAIN:
                    scores = _out_of_fold(crossfit, trained, rows, settings)
                else:
                    scores = _score(trained[FULL], rows, settings, crossfit.device)
                files.write(rows, scores)
                scored += len(rows)
    return scored


def main(context: JobContext) -> None:
    """Train and score.

    Raises:
        SevenLensError: inputs do not fit together, nothing is left to train, or the job was
            asked to stop (it resumes from its checkpoints when started again).
    """
    settings = TeacherSettings.model_validate(context.settings["teacher"])
    device = prepare_machine(threads=settings.threads, device=settings.device)
    phase0 = context.inputs[Stage.PHASE0.value]
    layout = read_layout(phase0, settings.stand_ins)
    tasks = read_tasks(json.loads((phase0 / TASKS_NAME).read_text()))
    began = time.monotonic()
    rows = concatenate(
        list(
            read_parts(
                phase0,
                layout,
                tasks=[task.name for task in tasks],
                splits=(TRAIN, SELECTION),
                clip=settings.clip_sd,
            )
        )
    )
    print(f"[teacher] {len(rows)} rows read in {time.monotonic() - began:.1f} s", flush=True)
    crossfit = Crossfit(
        settings,
        layout,
        tasks,
        rows=rows,
        device=device,
        checkpoints=context.checkpoints,
        code_version=context.identity["code_version"],
    )
    for name, reason in crossfit.absent.items():
        print(f"[teacher] expert {name} is absent: {reason}", flush=True)
    trained, log = {}, []
    for place, plan in enumerate(crossfit.plans):
        began = time.monotonic()
        one = crossfit.fit(plan, _reporter(context, plan, place, len(crossfit.plans)))
        seconds = time.monotonic() - began
        print(f"[teacher] {plan.name} trained in {seconds:.1f} s", flush=True)
        trained[plan.name] = one
        log += [{"model": plan.name, **row} for row in one.log]
        name = "weights" if plan.name == FULL else f"weights-{plan.name}"
        # A Huber output means something only beside the mean and deviation it was trained with.
        statistics = {task: asdict(given) for task, given in one.statistics.items()}
        path = context.output / f"{name}.safetensors"
        write_tensors(path, one.model.state_dict(), {"statistics": statistics})
    began = time.monotonic()
    scored = _write_scores(context, phase0, crossfit, trained, settings)
    seconds = time.monotonic() - began
    print(f"[teacher] {scored} rows scored, {scored / seconds:.0f} rows/s", flush=True)
    (context.output / "model.json").write_bytes(
        canonical_json(_describe(crossfit, trained, settings))
    )
    lines = [canonical_json(row).decode() for row in log]
    (context.output / "training.jsonl").write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    run_job(Stage.TEACHER, main)
