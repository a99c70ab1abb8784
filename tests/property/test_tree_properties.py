"""Properties of trees and of the embedding, on generated trees."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.settings.generators.hierarchy import TreeEmbeddingParameters
from training_jobs.features.tree import grown, known_place, path
from training_jobs.features.tree_embedding import embed


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str | None]:
    """Return parents of a random tree of 2 to 12 nodes."""
    count = draw(st.integers(2, 12))
    above = [draw(st.integers(0, number - 1)) for number in range(1, count)]
    return {"n0": None} | {f"n{number}": f"n{up}" for number, up in enumerate(above, 1)}


@settings(max_examples=80, deadline=None)
@given(parents=trees(), data=st.data())
def test_edges_and_distances_are_those_of_a_walk(
    parents: dict[str, str | None], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(sorted(parents)), max_size=4))
    tree = grown(parents, kept)
    assert set(tree.nodes) == {node for one in [*kept, "n0"] for node in path(parents, one)}
    for place, node in enumerate(tree.nodes):
        assert tree.parents[place] < place
        for other, name in enumerate(tree.nodes):
            one, two = path(parents, node), path(parents, name)
            shared = sum(a == b for a, b in zip(one, two, strict=False))
            assert tree.distances[place, other] == len(one) + len(two) - 2 * shared
    for code in parents:
        stands = tree.nodes[known_place(tree, parents, code)]
        assert stands == [node for node in path(parents, code) if node in tree.nodes][-1]


@settings(max_examples=25, deadline=None)
@given(parents=trees())
def test_any_small_tree_is_rendered_with_its_neighbours_nearest(
    parents: dict[str, str | None],
) -> None:
    tree = grown(parents, parents)
    laid = embed(
        tree,
        TreeEmbeddingParameters(dimension=8, edge_length=2, steps=300, learning_rate=0.3, seed=1),
    )
    assert np.linalg.norm(laid.points, axis=1).max() < 1
    assert laid.distortion < 0.1
    assert laid.mean_precision > 0.95
