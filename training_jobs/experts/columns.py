"""Column access shared by experts: binned and scaled field embeddings, flat column vectors."""

import torch
from torch import Tensor, nn

from training_jobs.experts.base import ExpertInputs
from training_jobs.experts.batch import Batch

INIT_SD = 0.1


def _positions(indices: tuple[int, ...]) -> Tensor:
    return torch.tensor(indices, dtype=torch.int64)


class CodeEmbeddings(nn.Module):
    """One embedding table for several categorical columns, each with its own rows."""

    columns: Tensor
    offsets: Tensor

    def __init__(self, inputs: ExpertInputs, dim: int) -> None:
        super().__init__()
        self.fields, self.dim = len(inputs.codes), dim
        starts = [sum(inputs.cardinalities[:i]) for i in range(self.fields)]
        self.register_buffer("columns", _positions(inputs.codes), persistent=False)
        self.register_buffer("offsets", _positions(tuple(starts)), persistent=False)
        self.table = nn.Embedding(max(1, sum(inputs.cardinalities)), dim)
        nn.init.normal_(self.table.weight, std=INIT_SD)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, C, dim] for the C categorical columns of the expert."""
        return self.table(batch.codes[:, self.columns] + self.offsets)


class BinnedFields(nn.Module):
    """A numeric column as a field: the embedding of its bin plus a direction times its value.

    A missing value is a bin of its own. Edges are train quantiles (`fit`).
    """

    columns: Tensor
    offsets: Tensor
    edges: Tensor

    def __init__(self, inputs: ExpertInputs, dim: int, bins: int) -> None:
        super().__init__()
        self.fields, self.dim, self.bins = len(inputs.numeric), dim, bins
        self.register_buffer("columns", _positions(inputs.numeric), persistent=False)
        starts = tuple(field * (bins + 1) for field in range(self.fields))
        self.register_buffer("offsets", _positions(starts), persistent=False)
        self.register_buffer("edges", torch.zeros(self.fields, bins - 1))
        self.table = nn.Embedding(max(1, self.fields * (bins + 1)), dim)
        self.slope = nn.Parameter(torch.empty(self.fields, dim))
        nn.init.normal_(self.table.weight, std=INIT_SD)
        nn.init.normal_(self.slope, std=INIT_SD)

    @torch.no_grad()
    def fit(self, rows: Batch) -> None:
        """Set the bin edges to equal-mass quantiles of the values present in `rows`."""
        values = rows.numeric[:, self.columns].to(torch.float64)
        absent = rows.missing[:, self.columns]
        shares = torch.arange(1, self.bins, dtype=torch.float64) / self.bins
        for field in range(self.fields):
            present = values[~absent[:, field], field]
            if len(present):
                self.edges[field] = torch.quantile(present, shares).to(self.edges.dtype)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, N, dim] for the N numeric columns of the expert."""
        values = batch.numeric[:, self.columns]
        bins = (values.unsqueeze(-1) > self.edges).sum(-1)
        bins = torch.where(batch.missing[:, self.columns], self.bins, bins)
        return self.table(bins + self.offsets) + values.unsqueeze(-1) * self.slope


class FlatColumns(nn.Module):
    """Columns as one flat vector: scaled values, missing flags, small embeddings of codes."""

    columns: Tensor

    def __init__(self, inputs: ExpertInputs, code_dim: int) -> None:
        super().__init__()
        self.register_buffer("columns", _positions(inputs.numeric), persistent=False)
        self.codes = CodeEmbeddings(inputs, code_dim) if inputs.codes else None
        self.output_dim = 2 * len(inputs.numeric) + code_dim * len(inputs.codes)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, output_dim]."""
        parts = [
            batch.numeric[:, self.columns],
            batch.missing[:, self.columns].to(batch.numeric.dtype),
        ]
        if self.codes is not None:
            parts.append(self.codes(batch).flatten(1))
        return torch.cat(parts, dim=1)
