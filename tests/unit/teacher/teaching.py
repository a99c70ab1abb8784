"""Small batches, expert inputs and networks that the teacher tests of this folder build."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from configs.settings.teacher import TeacherSettings
from tests.fixtures.training_stages import teacher_settings
from training_jobs.evaluation.ledger import Ledger
from training_jobs.experts.base import ExpertInputs
from training_jobs.experts.batch import Batch, Events, Incidence
from training_jobs.ple.model import Teacher
from training_jobs.ple.tasks import LabelStatistics, TaskSpec, read_tasks
from training_jobs.training.checkpoint import read_tensors
from training_jobs.training.layout import Layout, read_layout
from training_jobs.training.rows import Rows, concatenate, read_parts
from training_jobs.training.statistics import label_statistics

CATEGORIES, ITEMS, LENGTH = 7, 3, 12
CLIP = 6.0


def inputs(**changes: Any) -> ExpertInputs:
    """Return what an expert may read of `batch()`."""
    whole = ExpertInputs(
        numeric=(0, 1),
        codes=(0, 1),
        cardinalities=(3, 4),
        categories=CATEGORIES,
        items=ITEMS,
        event_length=LENGTH,
    )
    return replace(whole, **changes)


def batch(rows: int = 6, *, seed: int = 0) -> Batch:
    """Return random rows with full event lists and up to three items each."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng)

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(0, high, shape, generator=rng)

    weights = integers(2, rows, ITEMS).float() * (1 + integers(3, rows, ITEMS))
    weights[:, 0] = 1.0
    return Batch(
        numeric=normal(rows, 2),
        missing=torch.zeros(rows, 2, dtype=torch.bool),
        codes=torch.stack([integers(3, rows), integers(4, rows)], dim=1),
        events=Events(
            amount=normal(rows, LENGTH) * 3,
            category=integers(CATEGORIES, rows, LENGTH),
            gap_days=normal(rows, LENGTH).abs() * 4,
            hour=integers(24, rows, LENGTH),
            length=torch.full((rows,), LENGTH),
        ),
        incidence=Incidence(torch.arange(ITEMS).expand(rows, ITEMS).clone(), weights),
    )


def layout_and_tasks(phase0: Path) -> tuple[Layout, tuple[TaskSpec, ...]]:
    """Return layout and tasks of a Phase 0 output."""
    return read_layout(phase0, {}), read_tasks(json.loads((phase0 / "tasks.json").read_text()))


def rows_of(phase0: Path, *splits: str) -> Rows:
    """Return the rows of `splits` over all parts."""
    layout, tasks = layout_and_tasks(phase0)
    names = [task.name for task in tasks]
    ledger = Ledger("a test")
    parts = read_parts(phase0, layout, tasks=names, splits=splits, clip=CLIP, ledger=ledger)
    return concatenate(list(parts))


def network(
    phase0: Path, rows: Rows, settings: dict[str, Any] | None = None
) -> tuple[Teacher, dict[str, LabelStatistics]]:
    """Return an untrained teacher prepared on `rows`, with their label statistics."""
    layout, tasks = layout_and_tasks(phase0)
    parsed = TeacherSettings.model_validate(settings or teacher_settings())
    statistics = label_statistics(tasks, rows.labels)
    torch.manual_seed(parsed.seed)
    model = Teacher(
        parsed,
        lenses=layout.lenses(tuple(parsed.experts))[0],
        private=layout.inputs(layout.private),
        tasks=tasks,
        statistics=statistics,
    )
    model.prepare(rows.batch.to(torch.device("cpu")))
    return model, statistics


def saved_network(
    phase0: Path, taught: Path, name: str
) -> tuple[Teacher, dict[str, LabelStatistics]]:
    """Return a teacher made anew from the stage's files alone: `weights` or `weights-fold<k>`."""
    described = json.loads((taught / "model.json").read_text())
    saved = read_tensors(taught / f"{name}.safetensors")
    statistics = {
        task: LabelStatistics(tuple(given["prior"]), given["sd"])
        for task, given in saved.state["statistics"].items()
    }
    layout, tasks = layout_and_tasks(phase0)
    settings = TeacherSettings.model_validate(described["architecture"])
    model = Teacher(
        settings,
        lenses=layout.lenses(tuple(settings.experts))[0],
        private=layout.inputs(layout.private),
        tasks=tasks,
        statistics=statistics,
    )
    model.load_state_dict(saved.tensors)
    return model.eval(), statistics
