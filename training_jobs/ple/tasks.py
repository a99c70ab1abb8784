"""A task as the network sees it, and where its bias starts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"
POISSON = "poisson"


@dataclass(frozen=True)
class TaskSpec:
    """One task that is on.

    Attributes:
        name: of the task.
        type: binary, multiclass or regression.
        loss: bce, focal, ce, huber or poisson.
        weight: applied exactly once, to the task's mean loss.
        group: tasks of a group may share a private expert.
        classes: labels of a multiclass task, else empty.
    """

    name: str
    type: str
    loss: str
    weight: float
    group: str
    classes: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """Numbers a tower gives: one per class, else one."""
        return len(self.classes) if self.type == MULTICLASS else 1


def read_tasks(content: Mapping[str, Any]) -> tuple[TaskSpec, ...]:
    """Return the tasks that are on, in the order of `tasks.json`."""
    return tuple(
        TaskSpec(
            name=row["name"],
            type=row["type"],
            loss=row["loss"],
            weight=float(row["loss_weight"]),
            group=row["group"],
            classes=tuple(row["classes"] or ()) if row["type"] == MULTICLASS else (),
        )
        for row in content["tasks"]
        if row["status"] == "on"
    )


@dataclass(frozen=True)
class LabelStatistics:
    """What train labels say before any input is read.

    Attributes:
        prior: class shares (multiclass), one base rate (binary) or one mean (regression).
        sd: label standard deviation (regression), else 1.
    """

    prior: tuple[float, ...]
    sd: float

    def start(self, task: TaskSpec) -> list[float]:
        """Return the tower biases at which the prediction equals the prior."""
        if task.type == BINARY:
            return [math.log(self.prior[0] / (1 - self.prior[0]))]
        if task.type == MULTICLASS:
            return [math.log(share) for share in self.prior]
        return [math.log(self.prior[0])] if task.loss == POISSON else [0.0]
