"""Forward passes without gradients: predictions and lens shares of many rows."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training_jobs.experts.batch import Batch
from training_jobs.ple.gates import Phase
from training_jobs.ple.model import Teacher
from training_jobs.ple.predictions import predict
from training_jobs.ple.tasks import LabelStatistics


@dataclass(frozen=True)
class Scores:
    """What a model says of n rows.

    Attributes:
        predictions: task -> [n] or [n, C].
        shares: [n, T, L + 1] lens shares.
    """

    predictions: dict[str, NDArray[np.float64]]
    shares: NDArray[np.float32]


@torch.no_grad()
def score(
    model: Teacher,
    batch: Batch,
    statistics: dict[str, LabelStatistics],
    *,
    size: int,
    device: torch.device,
    phase: Phase = Phase.JOINT,
) -> Scores:
    """Return predictions and shares of all rows of `batch`, in order; full precision.

    Args:
        model: left in evaluation mode.
        batch: rows on the CPU.
        statistics: label statistics the model was trained with.
        size: rows a forward pass.
        device: where the model is.
        phase: whether private experts take part.
    """
    model.eval()
    predictions: dict[str, list[NDArray[np.float64]]] = {task.name: [] for task in model.tasks}
    shares = []
    for index in torch.arange(len(batch)).split(size):  # type: ignore[no-untyped-call]
        output = model(batch.select(index).to(device), phase)
        for task in model.tasks:
            values = predict(output.outputs[task.name], task, statistics[task.name])
            predictions[task.name].append(values.cpu().numpy())
        shares.append(output.shares.float().cpu().numpy())
    width = len(model.lenses)
    return Scores(
        {
            task.name: np.concatenate(predictions[task.name])
            if predictions[task.name]
            else np.empty((0, task.outputs) if task.outputs > 1 else 0)
            for task in model.tasks
        },
        np.concatenate(shares) if shares else np.empty((0, len(model.tasks), width), np.float32),
    )
