"""Settings, tasks and a made-up teacher for the evaluation tests of this folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings.evaluation import EvaluationSettings
from tests.fixtures.training_stages import pipeline
from tests.unit.teacher.teaching import layout_and_tasks, rows_of
from training_jobs.ple.tasks import BINARY, MULTICLASS, TaskSpec
from training_jobs.training.outputs import SplitFile
from training_jobs.training.score import Scores

LENSES = ("deepfm", "lightgcn", "temporal", "private")
SPLITS = ("train", "selection", "calibration", "test", "score")
CUSTOMERS = 160


def raw_settings(**bootstrap: Any) -> dict[str, Any]:
    """Return the shipped evaluation settings with few replicates and a small booster."""
    shipped = pipeline("evaluation")
    shipped["bootstrap"] |= {"replicates": 60} | bootstrap
    shipped["boosting"] |= {"rounds": 20, "patience": 5, "leaves": 4}
    return shipped


def settings(**bootstrap: Any) -> EvaluationSettings:
    """Return `raw_settings` as a model."""
    return EvaluationSettings.model_validate(raw_settings(**bootstrap))


def task(kind: str = "binary", loss: str = "bce", classes: int = 0) -> TaskSpec:
    """Return a task of a type."""
    return TaskSpec("task", kind, loss, 1.0, "group", tuple("abcdef"[:classes]))


def _predictions(rng: np.random.Generator, spec: TaskSpec, labels: np.ndarray) -> np.ndarray:
    noise = rng.normal(size=len(labels))
    known = np.nan_to_num(labels, nan=0.5)
    if spec.type == BINARY:
        return np.asarray(1 / (1 + np.exp(1.0 - 1.5 * known - noise)))
    if spec.type == MULTICLASS:
        logits = rng.normal(size=(len(labels), spec.outputs))
        logits[np.arange(len(labels)), known.astype(int)] += 1.5
        shares: np.ndarray = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return shares
    return np.asarray(0.6 * known + 0.1 * noise + 0.3)


def pretend_to_teach(phase0: Path, folder: Path, *, seed: int = 0) -> Path:
    """Write what the teacher stage would leave: predictions that know a part of the labels.

    Args:
        phase0: output of Phase 0.
        folder: becomes the teacher's output.
        seed: of predictions and shares.
    """
    rng = np.random.default_rng(seed)
    _, tasks = layout_and_tasks(phase0)
    for split in SPLITS:
        rows = rows_of(phase0, split)
        labels = rows.labels.double().numpy()
        shares = rng.dirichlet(np.ones(len(LENSES)), size=(len(rows), len(tasks)))
        predictions = {
            spec.name: _predictions(rng, spec, labels[:, at]) for at, spec in enumerate(tasks)
        }
        with SplitFile(folder, split, tasks) as files:
            files.write(rows, Scores(predictions, shares.astype(np.float32)))
    (folder / "model.json").write_text(json.dumps({"lenses": LENSES}))
    return folder


def results(folder: Path) -> dict[str, Any]:
    """Return `evaluation.json` of an output."""
    content: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return content


def checks(folder: Path) -> dict[str, dict[str, Any]]:
    """Return `checks.json` of an output by name; all of them block."""
    rows = json.loads((folder / "checks.json").read_text())["checks"]
    assert all(row["blocking"] for row in rows)
    return {row["name"]: row for row in rows}


def failed(folder: Path) -> set[str]:
    """Return the names of the checks that did not pass."""
    return {name for name, row in checks(folder).items() if not row["passed"]}
