"""One extraction layer: lens streams, private experts, and the gates that mix them per task."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from configs.settings.teacher import Ple
from training_jobs.ple.blocks import GroupedPerceptron
from training_jobs.ple.gates import Phase, TaskGates


@dataclass(frozen=True)
class Extraction:
    """The state between layers.

    Attributes:
        lenses: [B, L, W] one pure stream a lens.
        tasks: [B, T, W] one mixture a task; None before the first layer.
        weights: [B, T, L + 1] gate weights of this layer; None before the first.
    """

    lenses: Tensor
    tasks: Tensor | None
    weights: Tensor | None


class ExtractionLayer(nn.Module):
    """Customised gate control (CGC, Tang et al. 2020) with shared experts that keep their names.

    The first layer's shared experts are the named lenses themselves; a later layer refines each
    lens's stream on its own, so that a gate weight always speaks of one lens. Private experts read
    the private columns in the first layer and the task's mixture in later ones.
    """

    owner: Tensor

    def __init__(
        self, config: Ple, *, lenses: int, private_inputs: int, owners: tuple[int, ...], first: bool
    ) -> None:
        """Make one layer.

        Args:
            config: widths and kind of gate.
            lenses: L.
            private_inputs: width of the private columns.
            owners: per task the number of its private expert.
            first: whether this is the first layer.
        """
        super().__init__()
        width, tasks = config.width, len(owners)
        self.first = first
        self.register_buffer("owner", torch.tensor(owners), persistent=False)
        self.private = GroupedPerceptron(
            groups=max(owners) + 1,
            inputs=private_inputs if first else width,
            hidden=config.private_hidden,
            outputs=width,
            dropout=config.dropout,
        )
        self.refine = (
            None
            if first
            else GroupedPerceptron(
                groups=lenses, inputs=width, hidden=width, outputs=width, dropout=config.dropout
            )
        )
        self.gates = TaskGates(
            common=lenses * width + private_inputs,
            own=0 if first else width,
            tasks=tasks,
            lenses=lenses,
            kind=config.gate,
        )

    def _private(self, state: Extraction, columns: Tensor) -> Tensor:
        experts = int(self.private.enter.weight.shape[0])
        if state.tasks is None:
            inputs = columns.unsqueeze(1).expand(-1, experts, -1)
            return self.private(inputs)[:, self.owner]
        # Tasks that share a private expert hand it the mean of their mixtures.
        counts = torch.bincount(self.owner, minlength=experts).to(columns.dtype)
        member = functional.one_hot(self.owner, experts).to(columns.dtype) / counts
        return self.private(torch.einsum("btd,tk->bkd", state.tasks, member))[:, self.owner]

    def forward(self, state: Extraction, columns: Tensor, phase: Phase) -> Extraction:
        """Return the state after the layer.

        Args:
            state: lens streams and, after the first layer, task mixtures.
            columns: [B, P] private columns.
            phase: whether private experts take part.
        """
        lenses = state.lenses
        if self.refine is not None:
            lenses = functional.layer_norm(lenses + self.refine(lenses), lenses.shape[-1:])
        common = torch.cat([lenses.flatten(1), columns], dim=1)
        weights = self.gates(common, state.tasks, phase)
        mixed = torch.einsum("btl,blw->btw", weights[..., :-1], lenses)
        if phase is Phase.JOINT:
            private = self._private(state, columns)
            private = functional.layer_norm(private, private.shape[-1:])
            mixed = mixed + weights[..., -1:] * private
        return Extraction(lenses, mixed, weights)
