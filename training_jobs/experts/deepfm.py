"""DeepFM: field embeddings, explicit pairwise interactions and a deep part over the same fields.

After Guo et al. 2017, "DeepFM: A Factorization-Machine based Neural Network for CTR Prediction".
As an expert it hands on a vector and not a score: the first-order term, the interaction vector
(the factorisation machine before its sum over the embedding's width) and the deep part's state.
"""

import itertools

import torch
from torch import Tensor, nn

from configs.settings.experts import DeepFMConfig
from training_jobs.experts.base import Expert, ExpertInputs, register
from training_jobs.experts.batch import Batch
from training_jobs.experts.columns import BinnedFields, CodeEmbeddings


def pairwise_interactions(fields: Tensor) -> Tensor:
    """Return [B, k]: the sum over all pairs of fields of their element-wise product.

    Args:
        fields: [B, F, k] field embeddings. Uses the identity of Rendle 2010 (linear in F).
    """
    return 0.5 * (fields.sum(1).square() - fields.square().sum(1))


@register("deepfm")
class DeepFM(Expert):
    """Crosses of columns: who the customer is, taken two at a time and all together."""

    def __init__(self, config: DeepFMConfig, inputs: ExpertInputs) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        k = config.embedding_dim
        self.codes = CodeEmbeddings(inputs, k) if inputs.codes else None
        self.bins = BinnedFields(inputs, k, config.bins) if inputs.numeric else None
        fields = len(inputs.codes) + len(inputs.numeric)
        self.first_order = nn.Parameter(torch.zeros(fields, k))
        widths = (fields * k, *config.hidden)
        deep: list[nn.Module] = []
        for narrow, wide in itertools.pairwise(widths):
            deep += [nn.Linear(narrow, wide), nn.ReLU(), nn.Dropout(config.dropout)]
        self.deep = nn.Sequential(*deep)
        # Products of small embeddings are tiny: without a scale of their own they would not learn.
        self.interaction_norm = nn.LayerNorm(k)
        self.head = nn.Linear(1 + k + widths[-1], config.output_dim)

    def prepare(self, rows: Batch) -> None:
        """Fit the bin edges of the numeric fields."""
        if self.bins is not None:
            self.bins.fit(rows)

    def fields(self, batch: Batch) -> Tensor:
        """Return [B, F, k], the embedding of every field."""
        parts = [part(batch) for part in (self.codes, self.bins) if part is not None]
        return torch.cat(parts, dim=1)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, D]."""
        fields = self.fields(batch)
        first = (fields * self.first_order).sum((1, 2)).unsqueeze(1)
        crosses = self.interaction_norm(pairwise_interactions(fields))
        return self.head(torch.cat([first, crosses, self.deep(fields.flatten(1))], dim=1))
