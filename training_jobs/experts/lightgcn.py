"""LightGCN, inductive: only items have parameters; a customer is what its items make of it.

He et al. 2020, "LightGCN": layer k+1 is the normalised adjacency times layer k, the result is the
mean over layers. With customers' own embeddings at zero, items propagate over the item Gram matrix
G = D_i^-1/2 R' D_u^-1 R D_i^-1/2, which is measured once on train customers, and a customer is its
normalised incidence times the items. So an unseen customer needs no retraining.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from configs.settings.experts import LightGCNConfig
from training_jobs.experts.base import Expert, ExpertError, ExpertInputs, register
from training_jobs.experts.batch import Batch, Incidence
from training_jobs.experts.columns import FlatColumns

CODE_DIM = 4
GRAPH = ("gram_indices", "gram_values")


class SymmetricProduct(torch.autograd.Function):
    """A constant symmetric sparse matrix times a dense one; its gradient is the same product."""

    @staticmethod
    def forward(ctx: Any, gram: Tensor, dense: Tensor) -> Tensor:  # type: ignore[override]
        """Return gram @ dense: [I, I] sparse, [I, d]."""
        ctx.gram = gram
        return torch.sparse.mm(gram, dense)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:  # type: ignore[override]
        """Return the gradient for `dense`."""
        return None, torch.sparse.mm(ctx.gram, gradient.contiguous())


def _rooted(degrees: Tensor) -> Tensor:
    return torch.where(degrees > 0, degrees.clamp_min(1e-12).rsqrt(), 0.0)


@register("lightgcn")
class LightGCN(Expert):
    """Community: customers near each other through the merchants and products they share."""

    tensors: ClassVar[tuple[str, ...]] = ("incidence",)
    item_scale: Tensor
    gram_indices: Tensor
    gram_values: Tensor

    def __init__(self, config: LightGCNConfig, inputs: ExpertInputs) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        self.count, self.propagations = inputs.items, config.propagations
        self.items = nn.Embedding(inputs.items, config.embedding_dim)
        nn.init.normal_(self.items.weight, std=0.3)
        self.register_buffer("item_scale", torch.zeros(inputs.items))
        self.register_buffer("gram_indices", torch.zeros(2, 0, dtype=torch.int64))
        self.register_buffer("gram_values", torch.zeros(0))
        columns = inputs.numeric or inputs.codes
        self.columns = FlatColumns(inputs, CODE_DIM) if columns else None
        extra = self.columns.output_dim if self.columns is not None else 0
        self.norm = nn.LayerNorm(config.embedding_dim)
        self.join = nn.Sequential(
            nn.Linear(config.embedding_dim + 2 + extra, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.output_dim),
        )

    @torch.no_grad()
    def prepare(self, rows: Batch) -> None:
        """Measure item degrees and the item Gram matrix over the customers in `rows`.

        Raises:
            ExpertError: the batch has no incidence.
        """
        incidence = _incidence(rows)
        owner = torch.arange(len(rows)).unsqueeze(1).expand_as(incidence.items)
        tied = incidence.weights > 0
        items, weights = incidence.items[tied], incidence.weights[tied].to(torch.float64)
        degrees = torch.zeros(self.count, dtype=torch.float64).index_add_(0, items, weights)
        root = _rooted(degrees)
        reach = incidence.weights.to(torch.float64).sum(1)
        values = weights * root[items] * _rooted(reach)[owner[tied]]
        ties = torch.sparse_coo_tensor(
            torch.stack([owner[tied], items]), values, (len(rows), self.count)
        ).coalesce()
        gram = torch.sparse.mm(ties.t(), ties).coalesce()
        self.item_scale = root.to(torch.float32)
        self.gram_indices, self.gram_values = gram.indices(), gram.values().to(torch.float32)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        # The graph's size is data: take it from the state that is loaded.
        for name in GRAPH:
            if prefix + name in state:
                setattr(self, name, torch.empty_like(state[prefix + name]))
        super()._load_from_state_dict(state, prefix, *rest)

    def propagated_items(self) -> Tensor:
        """Return [I, d]: the mean over layers of G^k E, as customers read it, scaled."""
        size = (self.count, self.count)
        gram = torch.sparse_coo_tensor(self.gram_indices, self.gram_values, size, is_coalesced=True)
        layer = total = self.items.weight
        for _ in range(self.propagations):
            layer = SymmetricProduct.apply(gram, layer)
            total = total + layer
        return total * self.item_scale.unsqueeze(1)

    def customers(self, batch: Batch) -> Tensor:
        """Return [B, d]: normalised incidence times propagated items, averaged over layers.

        Layers run from 0 to 2 x propagations + 1; a customer's even layers are zero.
        """
        incidence = _incidence(batch)
        scale = _rooted(incidence.weights.sum(1, keepdim=True))
        table = self.propagated_items()
        gathered = nn.functional.embedding(incidence.items, table)
        summed = torch.einsum("bk,bkd->bd", incidence.weights * scale, gathered)
        return summed / (2 * self.propagations + 2)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, D]."""
        incidence = _incidence(batch)
        ties = torch.stack([incidence.weights.sum(1), (incidence.weights > 0).sum(1)], dim=1)
        parts = [self.norm(self.customers(batch)), ties.to(self.norm.weight.dtype).log1p()]
        if self.columns is not None:
            parts.append(self.columns(batch))
        return self.join(torch.cat(parts, dim=1))


def _incidence(batch: Batch) -> Incidence:
    if batch.incidence is None:
        raise ExpertError("the batch has no incidence", remedy="leave the lightgcn expert out")
    return batch.incidence
