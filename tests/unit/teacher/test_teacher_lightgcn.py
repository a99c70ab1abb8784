"""LightGCN: propagation is the published formula, and customers have no parameters of their own."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from configs.settings.experts import LightGCNConfig
from tests.unit.teacher.teaching import batch, inputs
from training_jobs.experts.base import ExpertError
from training_jobs.experts.batch import Batch, Incidence
from training_jobs.experts.lightgcn import LightGCN

CONFIG = LightGCNConfig(
    output_dim=4, dropout=0.0, embedding_dim=3, propagations=2, hidden=6, max_items=8
)
TIES = torch.tensor(
    [[1.0, 0.0, 2.0], [1.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.5, 0.0, 0.0]], dtype=torch.float64
)
"""Four customers, three items."""


def lists(ties: Tensor) -> Incidence:
    """Incidence lists of a dense matrix: each row's items first, then padding with item 0."""
    items = torch.zeros(ties.shape, dtype=torch.int64)
    weights = torch.zeros(ties.shape)
    for row, values in enumerate(ties):
        held = torch.nonzero(values)[:, 0]
        items[row, : len(held)] = held
        weights[row, : len(held)] = values[held].float()
    return Incidence(items, weights)


def rows_with(ties: Tensor) -> Batch:
    return replace(batch(len(ties)), events=None, incidence=lists(ties))


def expert(ties: Tensor = TIES, **changes: int) -> LightGCN:
    torch.manual_seed(0)
    config = CONFIG.model_copy(update=changes)
    model = LightGCN(config, inputs(numeric=(), codes=(), items=ties.shape[1])).eval()
    model.prepare(rows_with(ties))
    return model


def reference(ties: Tensor, items: Tensor, layers: int) -> Tensor:
    """LightGCN as published over the whole bipartite graph: mean of layers 0 to `layers`."""
    customers = len(ties)
    adjacency = torch.zeros(sum(ties.shape), sum(ties.shape), dtype=torch.float64)
    adjacency[:customers, customers:] = ties
    adjacency[customers:, :customers] = ties.t()
    root = adjacency.sum(1).rsqrt().nan_to_num(posinf=0.0)
    normalised = root[:, None] * adjacency * root[None, :]
    state = torch.cat([torch.zeros(customers, items.shape[1], dtype=torch.float64), items])
    total = state
    for _ in range(layers):
        state = normalised @ state
        total = total + state
    return (total / (layers + 1))[:customers]


@pytest.mark.parametrize("propagations", [1, 2, 3])
def test_propagation_equals_the_dense_formula_on_four_customers(propagations: int) -> None:
    model = expert(propagations=propagations)
    expected = reference(TIES, model.items.weight.detach().double(), 2 * propagations + 1)
    found = model.customers(rows_with(TIES)).detach().double()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_propagation_reaches_items_the_customer_never_had() -> None:
    """Customer 3 has item 0 alone; item 1 reaches it through customer 1."""
    model = expert()
    with torch.no_grad():
        model.items.weight.zero_()
        model.items.weight[1] = 1.0
    reached = model.customers(rows_with(TIES)).detach()
    assert float(reached[3].abs().min()) > 1e-3


def test_an_unseen_customer_is_what_its_items_make_of_it() -> None:
    model = expert()
    unseen = torch.tensor([[0.0, 2.0, 1.0]], dtype=torch.float64)
    alone = model.customers(rows_with(unseen)).detach()
    among = model.customers(rows_with(torch.cat([TIES, unseen]))).detach()
    torch.testing.assert_close(alone[0], among[-1], rtol=0, atol=1e-6)
    items = model.propagated_items().detach()
    expected = (2 * items[1] + items[2]) / 3**0.5 / (2 * CONFIG.propagations + 2)
    torch.testing.assert_close(alone[0], expected)


def test_no_parameter_belongs_to_a_customer() -> None:
    sizes = {tuple(p.shape) for p in expert().parameters()}
    more = {tuple(p.shape) for p in expert(torch.cat([TIES] * 5)).parameters()}
    assert sizes == more


def test_which_items_a_customer_has_changes_the_output_and_their_order_does_not() -> None:
    model, rows = expert(), rows_with(TIES)
    assert rows.incidence is not None
    with torch.no_grad():
        before = model(rows)
        other = model(rows_with(TIES[[1, 2, 3, 0]]))
        flipped = Incidence(rows.incidence.items.flip(1), rows.incidence.weights.flip(1))
        same = model(replace(rows, incidence=flipped))
    assert float((before - other).abs().max(dim=1).values.min()) > 1e-3
    torch.testing.assert_close(before, same, rtol=0, atol=1e-6)


def test_strength_of_a_tie_changes_the_output() -> None:
    model = expert()
    stronger = TIES.clone()
    stronger[0, 2] = 9.0
    before, after = model(rows_with(TIES)), model(rows_with(stronger))
    assert float((before - after)[0].abs().max().detach()) > 1e-4


def test_padding_with_an_item_is_no_tie_to_it() -> None:
    model = expert()
    with torch.no_grad():
        before = model.customers(rows_with(TIES))
        model.items.weight[0] += 1
        after = model.customers(rows_with(TIES))
        model.operator.copy_(torch.eye(3))
        local_before = model.customers(rows_with(TIES))
        model.items.weight[0] += 1
        local_after = model.customers(rows_with(TIES))
    assert not torch.allclose(before[0], after[0])
    assert torch.equal(local_before[2], local_after[2]), "customer 2 never had item 0"


def test_rare_items_beyond_the_limit_keep_their_own_embedding() -> None:
    model = expert(max_items=2)
    # Degrees are 2.5, 4 and 2: the last item does not propagate.
    assert model.kept.tolist() == [0, 1]
    own = model.items.weight.detach()[2] * model.item_scale[2]
    torch.testing.assert_close(model.propagated_items().detach()[2], own)
    kept = model.propagated_items().detach()[0] / model.item_scale[0]
    assert not torch.allclose(kept, model.items.weight.detach()[0])


def test_items_that_train_customers_never_had_say_nothing() -> None:
    model = expert(torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64))
    only_new = torch.tensor([[0.0, 0.0, 5.0]], dtype=torch.float64)
    assert torch.all(model.customers(rows_with(only_new)) == 0)


def test_a_customer_without_items_has_a_finite_output() -> None:
    nobody = torch.zeros(1, 3, dtype=torch.float64)
    assert torch.isfinite(expert()(rows_with(nobody))).all()


def test_graph_is_part_of_the_saved_state() -> None:
    model = expert()
    fresh = LightGCN(CONFIG, inputs(numeric=(), codes=())).eval()
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(rows_with(TIES)), model(rows_with(TIES)))


def test_rows_without_incidence_are_refused_with_a_remedy() -> None:
    with pytest.raises(ExpertError, match="no incidence"):
        expert()(replace(batch(), incidence=None))
