"""The teacher network: named experts, extraction layers, task towers, and readable gates."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs.errors import SevenLensError
from configs.settings.teacher import TeacherSettings
from training_jobs.experts.base import Expert, ExpertInputs, build
from training_jobs.experts.batch import Batch
from training_jobs.experts.columns import FlatColumns
from training_jobs.experts.known import MODULES
from training_jobs.ple.blocks import GroupedLinear
from training_jobs.ple.gates import Phase, collapse
from training_jobs.ple.layer import Extraction, ExtractionLayer
from training_jobs.ple.tasks import LabelStatistics, TaskSpec

PRIVATE = "private"
CODE_DIM = 4
REGISTERED = MODULES
"""Importing the network registers the experts it may be asked to build."""


@dataclass(frozen=True)
class TeacherOutput:
    """What a forward pass gives.

    Attributes:
        outputs: task -> [B, C] raw tower outputs (logits, log rate, standardised value).
        shares: [B, T, L + 1] lens shares, `private` last, sum 1.
    """

    outputs: dict[str, Tensor]
    shares: Tensor


def private_owners(tasks: tuple[TaskSpec, ...], kind: str) -> tuple[int, ...]:
    """Return per task the number of its private expert: its own, or its group's."""
    if kind == "task":
        return tuple(range(len(tasks)))
    groups = list(dict.fromkeys(task.group for task in tasks))
    return tuple(groups.index(task.group) for task in tasks)


class Towers(nn.Module):
    """A perceptron per task over its mixture; its bias starts at the prior."""

    def __init__(
        self,
        tasks: tuple[TaskSpec, ...],
        statistics: dict[str, LabelStatistics],
        *,
        width: int,
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.names = tuple(task.name for task in tasks)
        self.enter = GroupedLinear(groups=len(tasks), inputs=width, outputs=hidden)
        self.dropout = nn.Dropout(dropout)
        heads = [nn.Linear(hidden, task.outputs) for task in tasks]
        self.heads = nn.ModuleList(heads)
        with torch.no_grad():
            for task, head in zip(tasks, heads, strict=True):
                head.weight.mul_(0.1)
                head.bias.copy_(torch.tensor(statistics[task.name].start(task)))

    def forward(self, mixtures: Tensor) -> dict[str, Tensor]:
        """Return task -> [B, C] for mixtures [B, T, W]."""
        hidden = self.dropout(torch.relu(self.enter(mixtures)))
        return {
            name: head(hidden[:, position])
            for position, (name, head) in enumerate(zip(self.names, self.heads, strict=True))
        }


class Teacher(nn.Module):
    """Experts under progressive layered extraction."""

    def __init__(
        self,
        settings: TeacherSettings,
        *,
        lenses: dict[str, ExpertInputs],
        private: ExpertInputs,
        tasks: tuple[TaskSpec, ...],
        statistics: dict[str, LabelStatistics],
    ) -> None:
        """Make an untrained teacher.

        Args:
            settings: experts and widths.
            lenses: experts that have inputs, in lens order, with what they may read.
            private: what private experts may read.
            tasks: tasks that are on.
            statistics: task -> what train labels say.

        Raises:
            SevenLensError: no lens, no private column or no task is left.
        """
        super().__init__()
        if not lenses or not tasks or not (private.numeric or private.codes):
            raise SevenLensError(
                f"nothing to train: {len(lenses)} experts, {len(tasks)} tasks, "
                f"{len(private.numeric) + len(private.codes)} private columns",
                remedy="see in Phase 0 why experts, tasks or private groups are absent",
            )
        ple = settings.ple
        self.tasks = tasks
        self.lenses = (*lenses, PRIVATE)
        self.owners = private_owners(tasks, ple.private)
        experts = {
            name: build(name, settings.experts[name], given) for name, given in lenses.items()
        }
        self.experts = nn.ModuleDict(experts)
        self.enter = nn.ModuleDict(
            {name: nn.Linear(expert.output_dim, ple.width) for name, expert in experts.items()}
        )
        self.private_columns = FlatColumns(private, CODE_DIM)
        self.layers = nn.ModuleList(
            [
                ExtractionLayer(
                    ple,
                    lenses=len(lenses),
                    private_inputs=self.private_columns.output_dim,
                    owners=self.owners,
                    first=number == 0,
                )
                for number in range(ple.layers)
            ]
        )
        self.dropout = nn.Dropout(ple.dropout)
        self.towers = Towers(
            tasks, statistics, width=ple.width, hidden=ple.tower_hidden, dropout=ple.dropout
        )

    def prepare(self, rows: Batch) -> None:
        """Let every expert fit what it measures on the train rows of the fit cut-off."""
        for expert in self.experts.values():
            if isinstance(expert, Expert):
                expert.prepare(rows)

    def streams(self, batch: Batch) -> Tensor:
        """Return [B, L, W]: every lens's vector at one width and one length.

        All streams have equal norm, or a gate weight would not tell how much a lens counts.
        """
        vectors = [self.enter[name](expert(batch)) for name, expert in self.experts.items()]
        stacked = torch.stack(vectors, dim=1)
        return functional.layer_norm(stacked, stacked.shape[-1:])

    def forward(self, batch: Batch, phase: Phase = Phase.JOINT) -> TeacherOutput:
        """Return outputs task -> [B, C] and shares [B, T, L + 1]."""
        columns = self.private_columns(batch)
        state = Extraction(self.dropout(self.streams(batch)), None, None)
        weights = []
        for layer in self.layers:
            state = layer(state, columns, phase)
            weights.append(state.weights)
        return TeacherOutput(self.towers(state.tasks), collapse(weights, self.owners))
