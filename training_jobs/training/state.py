"""Everything that a step depends on, as flat tensors and JSON: what makes resuming exact."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from training_jobs.training.checkpoint import Checkpoint

MODEL, OPTIMIZER, BEST, RANDOM, RANDOM_GPU = "model.", "optimizer.", "best.", "random", "random_gpu"


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        step: steps done, over both phases.
        losses: task -> [sum of row losses, rows] in the current epoch.
        best: best composite of a joint epoch so far, None before the first.
        best_epoch: its epoch.
        stale: joint epochs since.
        finished: nothing is left to do.
        log: metrics of the epochs done, one object each.
    """

    step: int = 0
    losses: dict[str, list[float]] = field(default_factory=dict)
    best: float | None = None
    best_epoch: int | None = None
    stale: int = 0
    finished: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)


def named_optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return `<parameter>/<key>` -> tensor for every parameter that has taken a step."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    model: nn.Module, optimizer: torch.optim.Optimizer, saved: dict[str, Tensor]
) -> None:
    """Put back what `named_optimizer_state` returned."""
    parameters = dict(model.named_parameters())
    for path, value in saved.items():
        name, key = path.rsplit("/", 1)
        parameter = parameters[name]
        where = value if key == "step" else value.to(parameter.device)
        optimizer.state[parameter][key] = where.clone()


def capture(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, Tensor],
    progress: Progress,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and JSON state of a training between two steps."""
    tensors = {MODEL + name: value for name, value in model.state_dict().items()}
    state = named_optimizer_state(model, optimizer)
    tensors |= {OPTIMIZER + name: value for name, value in state.items()}
    tensors |= {BEST + name: value for name, value in best.items()}
    tensors[RANDOM] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[RANDOM_GPU] = torch.cuda.get_rng_state()
    return tensors, {"progress": asdict(progress)}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def restore(
    checkpoint: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, Tensor], Progress]:
    """Put a checkpoint back into model, optimizer and random streams.

    Returns:
        The best weights so far and where the training stood.
    """
    model.load_state_dict(_below(checkpoint.tensors, MODEL))
    restore_optimizer(model, optimizer, _below(checkpoint.tensors, OPTIMIZER))
    torch.set_rng_state(checkpoint.tensors[RANDOM])
    if RANDOM_GPU in checkpoint.tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(checkpoint.tensors[RANDOM_GPU])
    return _below(checkpoint.tensors, BEST), Progress(**checkpoint.state["progress"])
