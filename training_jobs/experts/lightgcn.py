"""LightGCN, inductive: only items have parameters; a customer is what its items make of it.

He et al. 2020, "LightGCN": layer k+1 is the normalised adjacency times layer k, the result is the
mean over layers. With customers' own embeddings at zero, items propagate over the item Gram matrix
G = D_i^-1/2 R' D_u^-1 R D_i^-1/2, which is measured once on train customers, and a customer is its
normalised incidence times the items. So an unseen customer needs no retraining.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from configs.settings.experts import LightGCNConfig
from training_jobs.experts.base import Expert, ExpertError, ExpertInputs, register
from training_jobs.experts.batch import Batch, Incidence
from training_jobs.experts.columns import FlatColumns

CODE_DIM = 4


def _rooted(degrees: Tensor) -> Tensor:
    return torch.where(degrees > 0, degrees.clamp_min(1e-12).rsqrt(), 0.0)


@register("lightgcn")
class LightGCN(Expert):
    """Community: customers near each other through the merchants and products they share."""

    tensors: ClassVar[tuple[str, ...]] = ("incidence",)
    item_scale: Tensor
    kept: Tensor
    operator: Tensor

    def __init__(self, config: LightGCNConfig, inputs: ExpertInputs) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        self.count, self.propagations = inputs.items, config.propagations
        self.items = nn.Embedding(inputs.items, config.embedding_dim)
        nn.init.normal_(self.items.weight, std=0.3)
        self.register_buffer("item_scale", torch.zeros(inputs.items))
        kept = min(inputs.items, config.max_items)
        self.register_buffer("kept", torch.arange(kept))
        self.register_buffer("operator", torch.eye(kept))
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

        Beyond `max_items` the rarest items do not propagate: they keep their own embedding.

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
        where = torch.stack([owner[tied], items])
        ties = torch.sparse_coo_tensor(
            where, values, (len(rows), self.count), check_invariants=True
        ).coalesce()
        busiest = torch.argsort(degrees, descending=True, stable=True)[: len(self.kept)]
        self.kept.copy_(busiest.sort().values)
        ties = ties.index_select(1, self.kept)
        gram = torch.mm(ties.t(), ties.to_dense())
        # Propagation is linear and the graph stays: all layers are one matrix, made once.
        layer = total = torch.eye(len(self.kept), dtype=torch.float64)
        for _ in range(self.propagations):
            layer = gram @ layer
            total = total + layer
        self.item_scale.copy_(root)
        self.operator.copy_(total)

    def propagated_items(self) -> Tensor:
        """Return [I, d]: the sum over layers of G^k E, scaled as customers read it."""
        propagated = self.operator @ self.items.weight[self.kept]
        table = self.items.weight.index_copy(0, self.kept, propagated)
        return table * self.item_scale.unsqueeze(1)

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
