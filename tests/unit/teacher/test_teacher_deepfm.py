"""DeepFM: the interaction term is the sum over pairs, and crosses come from nowhere else."""

import itertools

import pytest
import torch
from torch import Tensor

from configs.settings.experts import DeepFMConfig
from tests.unit.teacher.teaching import batch, inputs
from training_jobs.experts import deepfm
from training_jobs.experts.batch import Batch
from training_jobs.experts.columns import BinnedFields
from training_jobs.experts.deepfm import DeepFM, pairwise_interactions

CONFIG = DeepFMConfig(output_dim=1, dropout=0.0, embedding_dim=4, bins=4, hidden=(8,))


def test_interactions_are_the_sum_of_products_over_all_pairs() -> None:
    fields = torch.randn(3, 5, 4, dtype=torch.float64)
    pairs = itertools.combinations(range(5), 2)
    expected = sum((fields[:, i] * fields[:, j] for i, j in pairs), torch.zeros(3, 4))
    torch.testing.assert_close(pairwise_interactions(fields), expected, rtol=0, atol=1e-12)


def test_one_field_alone_has_no_interaction() -> None:
    assert torch.all(pairwise_interactions(torch.randn(2, 1, 4)).abs() < 1e-6)


def checkerboard() -> tuple[Batch, Tensor]:
    """Every cell of a 2 x 4 board of codes, its colour the label: no main effect."""
    cells = torch.tensor(list(itertools.product(range(2), range(4))))
    rows = batch(len(cells))
    return Batch(rows.numeric, rows.missing, cells, None, None), (cells.sum(1) % 2).float()


def fit_without_deep_part() -> float:
    """Train a DeepFM whose deep part is shut and return its loss on the board."""
    torch.manual_seed(0)
    model = DeepFM(CONFIG, inputs(numeric=()))
    board, colour = checkerboard()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    loss = torch.zeros(())
    for _ in range(150):
        with torch.no_grad():
            model.head.weight[:, 1 + CONFIG.embedding_dim :] = 0
        optimizer.zero_grad()
        logits = model(board)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, colour)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss.detach())


def test_interactions_learn_a_checkerboard_that_an_additive_model_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fit_without_deep_part() < 0.1

    def none(fields: Tensor) -> Tensor:
        return torch.zeros_like(fields[:, 0])

    monkeypatch.setattr(deepfm, "pairwise_interactions", none)
    assert fit_without_deep_part() > 0.65, "log 2 is .693: an additive model sees nothing"


def test_a_field_takes_its_bin_its_direction_and_its_own_table_rows() -> None:
    fields = BinnedFields(inputs(), dim=2, bins=2)
    with torch.no_grad():
        fields.edges.copy_(torch.tensor([[0.0], [10.0]]))
        fields.table.weight.copy_(torch.arange(12.0).reshape(6, 2))
        fields.slope.copy_(torch.tensor([[100.0, 200.0], [1000.0, 2000.0]]))
    rows = batch(2)
    rows = Batch(
        torch.tensor([[1.0, 5.0], [0.0, 11.0]]),
        torch.tensor([[False, False], [True, False]]),
        rows.codes,
        None,
        None,
    )
    expected = [
        # Above the first field's edge: row 1 of its table; below the second's: row 0 of its own.
        [[2 + 100, 3 + 200], [6 + 5000, 7 + 10000]],
        # Missing is a bin of its own; above the second field's edge.
        [[4, 5], [8 + 11000, 9 + 22000]],
    ]
    torch.testing.assert_close(fields(rows), torch.tensor(expected, dtype=torch.float32))


def test_bin_edges_are_quantiles_of_the_values_present() -> None:
    model = DeepFM(CONFIG, inputs())
    values = torch.arange(9.0)
    numeric = torch.stack([values, torch.where(values > 4, 1e6, values)], dim=1)
    missing = torch.stack([torch.zeros(9, dtype=torch.bool), values > 4], dim=1)
    model.prepare(Batch(numeric, missing, torch.zeros(9, 2, dtype=torch.int64), None, None))
    assert model.bins is not None
    assert model.bins.edges.tolist() == [[2, 4, 6], [1, 2, 3]]


def test_each_categorical_column_has_rows_of_its_own() -> None:
    model = DeepFM(CONFIG, inputs(numeric=()))
    assert model.codes is not None
    everyone = torch.stack([torch.arange(3), torch.arange(3)], dim=1)
    rows = Batch(torch.zeros(3, 2), torch.zeros(3, 2, dtype=torch.bool), everyone, None, None)
    found = model.codes(rows)
    expected = model.codes.table.weight.detach()
    torch.testing.assert_close(found[:, 0].detach(), expected[:3])
    torch.testing.assert_close(found[:, 1].detach(), expected[3:6])


def test_one_row_gives_what_it_gives_among_others() -> None:
    model = DeepFM(CONFIG, inputs()).eval()
    rows = batch(6)
    alone = model(rows.select(torch.tensor([4])))
    assert alone.shape == (1, CONFIG.output_dim)
    torch.testing.assert_close(alone[0], model(rows)[4], rtol=0, atol=1e-6)
