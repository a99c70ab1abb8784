"""Properties of trees and of the embedding, on generated trees."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.settings.generators.hierarchy import TreeEmbeddingParameters
from training_jobs.features.tree import grown, known_place, path
from training_jobs.features.tree_embedding import embed


@st.composite
def trees(draw: st.DrawFn, deepest: int) -> dict[str, str | None]:
    """Return parents of a random tree of 2 to 12 nodes, none deeper than `deepest`."""
    depth = [0]
    parents: dict[str, str | None] = {"n0": None}
    for number in range(1, draw(st.integers(2, 12))):
        up = draw(st.sampled_from([node for node in range(number) if depth[node] < deepest]))
        depth.append(depth[up] + 1)
        parents[f"n{number}"] = f"n{up}"
    return parents


@settings(max_examples=80, deadline=None)
@given(parents=trees(deepest=11), data=st.data())
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
@given(parents=trees(deepest=3))
def test_any_tree_no_deeper_than_categories_is_rendered_with_its_neighbours_nearest(
    parents: dict[str, str | None],
) -> None:
    tree = grown(parents, parents)
    laid = embed(
        tree,
        TreeEmbeddingParameters(dimension=8, edge_length=2, steps=400, learning_rate=0.3, seed=1),
    )
    assert np.linalg.norm(laid.points, axis=1).max() < 1
    assert laid.distortion < 0.1
    assert laid.mean_precision > 0.95
