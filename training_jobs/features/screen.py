"""The single-feature screen: a column that alone tells a label is a leak until proven otherwise."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.contracts.artefacts import Check
from configs.settings.features import Leakage
from training_jobs.features.sources import SHARD_FILE


@dataclass(frozen=True)
class TrainSample:
    """Train rows with their labels.

    Attributes:
        columns: names of the feature columns.
        values: shape (rows, columns), NaN = missing.
        labels: task -> shape (rows,), NaN = masked.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.float64]]


def auc_by_task(
    values: NDArray[np.float32], labels: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Return max(AUC, 1 - AUC) of one column for every task; missing ranks below every value.

    Args:
        values: shape (rows,).
        labels: task -> 0, 1 or NaN, shape (rows,); each with both classes.
    """
    ordered = np.where(np.isnan(values), -np.inf, values)
    _, place, counts = np.unique(ordered, return_inverse=True, return_counts=True)
    result = {}
    for task, label in labels.items():
        positives = np.bincount(place[label == 1], minlength=len(counts)).astype(np.float64)
        negatives = np.bincount(place[label == 0], minlength=len(counts)).astype(np.float64)
        below = np.cumsum(negatives) - negatives
        wins = float((positives * (below + negatives / 2)).sum())
        auc = wins / float(positives.sum() * negatives.sum())
        result[task] = max(auc, 1 - auc)
    return result


def read_train(
    output: Path, shards: Sequence[int], *, most: int, tasks: Sequence[str]
) -> TrainSample:
    """Read evenly spaced train rows of all shards, at most `most`."""
    share = max(1, most // max(1, len(shards)))
    blocks: list[NDArray[np.float32]] = []
    labels: dict[str, list[NDArray[np.float64]]] = {task: [] for task in tasks}
    columns: tuple[str, ...] = ()
    for shard in shards:
        name = SHARD_FILE.format(shard=shard)
        targets = [f"y_{task}" for task in tasks]
        examples = pq.read_table(output / "examples" / name, columns=["split", *targets])
        rows = np.flatnonzero(examples["split"].to_numpy() == "train")
        if len(rows) > share:
            rows = rows[np.linspace(0, len(rows) - 1, share).astype(np.int64)]
        features = pq.read_table(output / "features" / name)
        columns = tuple(features.column_names[2:])
        chosen = features.take(rows)
        block = np.zeros((len(rows), len(columns)), np.float32)
        for place, column in enumerate(columns):
            block[:, place] = chosen[column].to_numpy()
        blocks.append(block)
        for task, target in zip(tasks, targets, strict=True):
            labels[task].append(examples[target].to_numpy()[rows].astype(np.float64))
    return TrainSample(
        columns,
        np.concatenate(blocks),
        {task: np.concatenate(parts) for task, parts in labels.items()},
    )


def binary_tasks(output: Path) -> list[str]:
    """Return the binary tasks that are on."""
    tasks: list[dict[str, Any]] = json.loads((output / "tasks.json").read_text())["tasks"]
    return [task["name"] for task in tasks if task["type"] == "binary" and task["status"] == "on"]


def single_feature_screen(output: Path, shards: Sequence[int], settings: Leakage) -> Check:
    """Return the blocking check: no column alone reaches the bound on any binary task in train."""
    sample = read_train(output, shards, most=settings.screen_rows, tasks=binary_tasks(output))
    screened = {
        task: label
        for task, label in sample.labels.items()
        if min((label == 0).sum(), (label == 1).sum()) >= settings.screen_positives
    }
    found = [
        (auc, column, task)
        for place, column in enumerate(sample.columns)
        for task, auc in auc_by_task(sample.values[:, place], screened).items()
    ]
    bound = f"<= {settings.screen_bound}"
    if not found:
        return Check(
            name="leakage.single_feature",
            passed=True,
            blocking=True,
            value=0.5,
            bound=bound,
            detail="no binary task has enough rows of both classes to screen",
        )
    worst, column, task = max(found)
    return Check(
        name="leakage.single_feature",
        passed=worst <= settings.screen_bound,
        blocking=True,
        value=worst,
        bound=bound,
        detail=f"strongest: column '{column}' alone on task '{task}', "
        f"{len(sample.columns)} columns x {len(screened)} tasks",
    )
