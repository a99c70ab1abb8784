"""What group 11 is made of: item embeddings, favourites, circles, and what the reader is told."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from configs.settings.generators import parse
from tests.unit.features import features_bank as bank
from training_jobs.features.circles import circles, favourites
from training_jobs.features.item_embedding import item_embeddings, normalised


def incidence(seed: int = 3) -> NDArray[np.int64]:
    """Return who is with what: 60 customers in 4 leaning groups, 24 items."""
    draw = np.random.default_rng(seed)
    taste = np.full((4, 24), 0.08)
    for group in range(4):
        taste[group, group * 6 : group * 6 + 6] = 0.3 + 0.15 * group
    return (draw.random((60, 24)) < taste[np.arange(60) % 4]).astype(np.int64)


def test_item_embeddings_are_lightgcn_on_the_leading_directions() -> None:
    """Against the reference formula on dense matrices: layers of the graph, averaged."""
    dense = incidence()
    width, layers = 3, 3
    points = item_embeddings(
        sparse.csr_array(dense), width=width, layers=layers, rounds=300, seed=1
    )
    people, things = dense.sum(axis=1, keepdims=True), dense.sum(axis=0, keepdims=True)
    ties = dense / np.sqrt(np.maximum(people, 1) * np.maximum(things, 1))
    graph = ties.T @ ties
    strength, direction = np.linalg.eigh(graph)
    leading = direction[:, ::-1][:, 1 : 1 + width]
    # The layers of He et al. start from the directions and are averaged.
    layer, total = leading, leading.copy()
    for _ in range(layers):
        layer = graph @ layer
        total += layer
    sign = np.sign((points * total).sum(axis=0))
    np.testing.assert_allclose(points, total / (layers + 1) * sign, atol=1e-6)
    assert (points[np.abs(points).argmax(axis=0), np.arange(width)] > 0).all()
    assert strength[-1] == pytest.approx(1), "the direction left out is the trivial one"
    degrees = dense.sum(axis=0)
    customers = normalised(sparse.csr_array(dense), degrees) @ points
    np.testing.assert_allclose(customers, ties @ points, atol=1e-12)
    group = np.arange(60) % 4
    centres = np.array([customers[group == g].mean(axis=0) for g in range(4)])
    nearest = ((customers[:, None] - centres[None]) ** 2).sum(-1).argmin(axis=1)
    assert (nearest == group).mean() > 0.8


def test_more_directions_than_the_graph_has_are_empty() -> None:
    pair = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1]]))
    points = item_embeddings(pair, width=5, layers=2, rounds=50, seed=1)
    assert points.shape == (3, 5)
    assert np.isfinite(points).all()
    assert (points[:, 2:] == 0).all()
    nothing = item_embeddings(sparse.csr_array((4, 0)), width=2, layers=1, rounds=2, seed=1)
    assert nothing.shape == (0, 2)


def test_favourites_are_the_most_visited_and_of_equals_the_rarest() -> None:
    counts = sparse.csr_array(np.array([[3, 9, 3, 0, 1], [0, 0, 0, 0, 0], [0, 7, 0, 0, 2]]))
    assert favourites(counts, most=3).tolist() == [[1, 2, 0], [-1, -1, -1], [1, 4, -1]]
    member = circles(favourites(counts, most=3), together=2, items=5, bits=12)
    assert np.diff(member.indptr).tolist() == [3, 0, 1]
    # The order of favourites makes no other circle, another item does.
    turned = circles(np.array([[4, 1, -1], [4, 0, -1]]), together=2, items=5, bits=12)
    assert turned[[0]].indices.tolist() == member[[2]].indices.tolist()
    assert turned[[1]].indices.tolist() != member[[2]].indices.tolist()


def test_circles_that_fall_together_count_once() -> None:
    table = np.arange(8)[None]
    member = circles(table, together=2, items=50, bits=4)
    assert member.data.tolist() == [1] * len(member.indices)
    assert len(member.indices) < 16
    for together, choices in ((2, 28), (3, 56), (4, 70)):
        wide = circles(table, together=together, items=50, bits=20)
        assert len(wide.indices) == choices
    assert circles(np.array([[3, 7, -1]]), together=3, items=9, bits=8).nnz == 0


def test_a_circle_of_more_favourites_than_there_are_is_refused() -> None:
    raw = bank.group("graph_collaborative").parameters.model_dump()
    raw["circles"] |= {"favourites": 2, "together": 3}
    with pytest.raises(ValueError, match="together must not exceed favourites"):
        parse("graph_collaborative", raw)


def test_the_reader_is_told_the_periods_and_numbers_that_are_configured() -> None:
    graph = bank.group("graph_collaborative").parameters
    entries = {entry.columns[0]: entry for entry in bank.features().glossary.entries}

    def period(column: str) -> Any:
        return entries[column].period.en

    assert period("neighbours_take_{product}") == f"last {graph.recent_months} months"
    assert period("circle_take_any") == f"last {graph.recent_months} months"
    assert period("circle_take_group_{group}") == f"last {graph.circles.months} months"
    assert graph.circles.together == 2
    assert "two favourite merchants" in entries["circle_take_any"].sentence.en
    months = bank.group("merchant_hierarchy").parameters.months
    for column, entry in entries.items():
        if column.startswith("taste_"):
            assert entry.period is not None
            assert entry.period.en == f"last {months} months", column
            assert f"{months} months" in entry.sentence.en, column
            assert f"{months}개월" in entry.sentence.ko, column
    assert bank.group("tree_points").parameters.months == months
