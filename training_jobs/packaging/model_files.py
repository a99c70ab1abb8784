"""The JSON files of the model folder: what serving, a reviewer and an auditor read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.errors import SettingsError
from configs.settings.package import PackageSettings
from training_jobs.distillation.rows import Rows
from training_jobs.packaging.students import Students

LAYERS = {"DISTILL": "distilled", "DIRECT": "direct", "RULES": "rules"}
TOLD = ("ko", "en", "unit", "period", "protected", "up", "down")


@dataclass(frozen=True)
class Sources:
    """Parsed JSON of the earlier stages.

    Attributes:
        tasks: rows of `tasks.json` that are on.
        schema: `feature_schema.json`.
        glossary: column -> entry of `glossary.json`.
        lenses: names of the lenses, in the order of recorded shares.
        evaluation: `evaluation.json`.
    """

    tasks: list[dict[str, Any]]
    schema: dict[str, Any]
    glossary: dict[str, dict[str, Any]]
    lenses: list[str]
    evaluation: dict[str, Any]


def _baseline(task: Mapping[str, Any], labels: Any) -> tuple[Any, float | None]:
    seen = labels[~np.isnan(labels)]
    if task["type"] == "multiclass":
        counts = np.bincount(seen.astype(np.int64), minlength=len(task["classes"]))
        return (counts / max(counts.sum(), 1)).tolist(), None
    scale = float(seen.std()) if task["type"] == "regression" else None
    return float(seen.mean()), scale


def _task(task: Mapping[str, Any], students: Students, rows: Rows) -> dict[str, Any]:
    train = rows.of("train")
    baseline, scale = _baseline(task, rows.labels[task["name"]][train])
    return {
        "name": task["name"],
        "type": task["type"],
        "classes": task["classes"],
        "layer": LAYERS[students.entries[task["name"]]["route"]],
        "ranking_weight": task["ranking_weight"],
        "product_group": task["product_group"],
        "baseline": baseline,
        "scale": scale,
    }


def _lenses(names: list[str], settings: PackageSettings) -> list[dict[str, str]]:
    missing = [name for name in names if name not in settings.lenses]
    if missing:
        raise SettingsError(
            f"package.lenses has no label for lens '{missing[0]}'",
            remedy="add its Korean and English name to configs/pipeline/package.yaml",
        )
    return [{"name": name, **settings.lenses[name].model_dump()} for name in names]


def serving(
    sources: Sources,
    *,
    students: Students,
    rows: Rows,
    settings: PackageSettings,
    currency: Mapping[str, Any],
    popularity: Mapping[str, Any],
) -> dict[str, Any]:
    """Return `serving.json`. Raises SettingsError when a lens has no label."""
    inputs = sources.schema["decision_inputs"]
    medians = {row["name"]: row["median"] for row in sources.schema["columns"]}
    return {
        "currency": dict(currency),
        "lenses": _lenses(sources.lenses, settings),
        "tasks": [_task(task, students, rows) for task in sources.tasks],
        "popularity": dict(popularity),
        "glossary": {
            name: {key: sources.glossary[name].get(key) for key in TOLD}
            for name in inputs
            if name in sources.glossary
        },
        "references": {name: medians[name] for name in inputs},
    }


def metrics(sources: Sources, students: Students) -> dict[str, Any]:
    """Return `metrics.json`: the teacher beside its baselines, and each student's quality."""
    return {
        task: {
            "teacher": sources.evaluation["tasks"][task]["metrics"],
            "student": entry["quality"],
            "tiers": entry["tiers"],
            "route": entry["route"],
            "reason": entry["reason"],
        }
        for task, entry in students.entries.items()
    }


def model_card(
    sources: Sources,
    *,
    students: Students,
    settings: PackageSettings,
    dataset: Mapping[str, Any],
    identity: Mapping[str, str],
) -> dict[str, Any]:
    """Return `model_card.json` (after Mitchell et al., Model Cards for Model Reporting, 2019)."""
    return {
        "intended_use": settings.model_card.intended_use.model_dump(),
        "limits": [limit.model_dump() for limit in settings.model_card.limits],
        "dataset": {key: dataset[key] for key in ("name", "titles", "splits", "serving")},
        "data_hash": identity["data_hash"],
        "code_version": identity["code_version"],
        "decision_inputs": len(sources.schema["decision_inputs"]),
        "protected_columns_left_out": sorted(
            row["name"] for row in sources.schema["columns"] if row["protected"]
        ),
        "tasks": {
            task["name"]: {
                "type": task["type"],
                "train_rows": task["counts"]["train"]["rows"],
                "route": students.entries[task["name"]]["route"],
                "reason": students.entries[task["name"]]["reason"],
            }
            for task in sources.tasks
        },
    }
