"""Gates conditional on the input, and the rule that makes one share of several layers."""

from enum import StrEnum

import torch
from torch import Tensor, nn


class Phase(StrEnum):
    """What takes part in a forward pass.

    In `SHARED` the private experts are closed off, so that the named lenses must carry the tasks
    before private capacity is let in.
    """

    SHARED = "shared"
    JOINT = "joint"


class TaskGates(nn.Module):
    """For every task the weights of L lenses and one private expert, computed from the row."""

    def __init__(self, *, common: int, own: int, tasks: int, lenses: int, kind: str) -> None:
        """Make the gates of one layer.

        Args:
            common: width of the gate input that all tasks share.
            own: width of the gate input that each task has for itself, 0 for none.
            tasks: T.
            lenses: L.
            kind: softmax or sigmoid.
        """
        super().__init__()
        self.kind, self.shape = kind, (tasks, lenses + 1)
        self.from_common = nn.Linear(common, tasks * (lenses + 1))
        nn.init.normal_(self.from_common.weight, std=0.02)
        nn.init.zeros_(self.from_common.bias)
        self.from_own = nn.Parameter(torch.zeros(tasks, own, lenses + 1)) if own else None

    def forward(self, common: Tensor, own: Tensor | None, phase: Phase) -> Tensor:
        """Return [B, T, L + 1] weights >= 0, private last; they sum to 1 under softmax.

        Args:
            common: [B, common].
            own: [B, T, own] or None in the first layer.
            phase: `SHARED` gives the private expert no weight.
        """
        logits = self.from_common(common).unflatten(1, self.shape)
        if self.from_own is not None and own is not None:
            logits = logits + torch.einsum("btd,tdk->btk", own, self.from_own)
        if phase is Phase.SHARED:
            closed = torch.zeros(self.shape[1], dtype=torch.bool, device=logits.device)
            closed[-1] = True
            logits = logits.masked_fill(closed, float("-inf"))
        return torch.sigmoid(logits) if self.kind == "sigmoid" else torch.softmax(logits, dim=-1)


def collapse(layers: list[Tensor], owners: tuple[int, ...]) -> Tensor:
    """Return [B, T, L + 1] lens shares of the whole network; they sum to 1.

    The rule: lens streams stay pure from layer to layer, while the private expert of a layer reads
    the mixture of the layer before. So a lens's share in layer l is its own gate weight, plus the
    private weight times its share in layer l - 1 (path weights, as in attention roll-out); only
    what private experts add in the first layer remains private. Weights of a sigmoid gate are
    first brought to sum 1 over lenses and private.

    Args:
        layers: per layer [B, T, L + 1] gate weights, private last, first layer first.
        owners: per task the number of its private expert; tasks that share one hand it the mean
            of their mixtures, so the private path carries the mean of their shares.
    """
    owner = torch.tensor(owners, device=layers[0].device)
    alike = (owner.unsqueeze(0) == owner.unsqueeze(1)).to(layers[0].dtype)
    alike = alike / alike.sum(1, keepdim=True)
    shares = layers[0] / layers[0].sum(-1, keepdim=True)
    for weights in layers[1:]:
        weights = weights / weights.sum(-1, keepdim=True)
        through = weights[..., -1:] * torch.einsum("ts,bsk->btk", alike, shares)
        named = torch.cat([weights[..., :-1], torch.zeros_like(weights[..., -1:])], dim=-1)
        shares = named + through
    return shares
