"""Many small perceptrons of one shape in one batched product: private experts, streams, towers."""

import math

import torch
from torch import Tensor, nn


class GroupedLinear(nn.Module):
    """K linear maps at once: [B, K, n] -> [B, K, m]."""

    def __init__(self, *, groups: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(groups, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(groups, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, K, m] for x [B, K, n]."""
        return torch.einsum("bkn,knm->bkm", x, self.weight) + self.bias


class GroupedPerceptron(nn.Module):
    """K perceptrons with one hidden layer at once: [B, K, n] -> [B, K, m]."""

    def __init__(self, *, groups: int, inputs: int, hidden: int, outputs: int, dropout: float):
        super().__init__()
        self.enter = GroupedLinear(groups=groups, inputs=inputs, outputs=hidden)
        self.leave = GroupedLinear(groups=groups, inputs=hidden, outputs=outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, K, m] for x [B, K, n]."""
        return self.leave(self.dropout(torch.relu(self.enter(x))))
