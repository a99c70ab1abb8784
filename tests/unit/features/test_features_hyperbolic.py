"""Hyperbolic geometry agrees with geoopt; a tree laid out in the ball is that tree."""

import itertools

import geoopt
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from configs.settings.generators.hierarchy import TreeEmbeddingParameters
from tests.unit.features import features_bank as bank
from training_jobs.features import hyperbolic, tree_embedding
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Bank, Product
from training_jobs.features.generators.product_hierarchy import product_tree
from training_jobs.features.tree import Tree, grown, known_place
from training_jobs.features.tree_embedding import distortion, embed, mean_precision

BALL = geoopt.PoincareBall(c=1.0)


def points(rows: int, dimension: int, *, seed: int) -> NDArray[np.float64]:
    """Return points of the ball from hard by the origin to where geoopt starts to clip."""
    draw = np.random.default_rng(seed)
    direction = draw.standard_normal((rows, dimension))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * np.tanh(draw.choice([1e-6, 0.1, 1.0, 2.5], (rows, 1)))


@pytest.mark.parametrize("dimension", [2, 16, 32])
def test_geometry_agrees_with_geoopt(dimension: int) -> None:
    x, y = points(200, dimension, seed=1), points(200, dimension, seed=2)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    pairs = [
        (hyperbolic.mobius_add(x, y), BALL.mobius_add(tx, ty)),
        (hyperbolic.distance(x, y), BALL.dist(tx, ty)),
        (hyperbolic.exp_origin(x * 3), BALL.expmap0(tx * 3)),
        (hyperbolic.log_origin(x), BALL.logmap0(tx)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-8, atol=1e-12)
    nothing = np.zeros((1, dimension))
    assert (hyperbolic.exp_origin(nothing) == 0).all()
    assert (hyperbolic.log_origin(nothing) == 0).all()


def test_the_hyperboloid_is_the_same_space() -> None:
    x, y = points(100, 5, seed=3), points(100, 5, seed=4)
    up, other = hyperbolic.to_hyperboloid(x), hyperbolic.to_hyperboloid(y)
    np.testing.assert_allclose(hyperbolic.to_ball(up), x, rtol=1e-10)
    cosine = up[:, 0] * other[:, 0] - (up[:, 1:] * other[:, 1:]).sum(axis=1)
    expected = hyperbolic.distance(x, y)
    np.testing.assert_allclose(np.arccosh(np.maximum(cosine, 1)), expected, atol=1e-5)


def test_the_midpoint_is_einsteins_and_geoopts() -> None:
    x = points(40, 6, seed=5)
    weights = np.random.default_rng(6).dirichlet(np.ones(40))
    total = (weights[:, None] * hyperbolic.to_hyperboloid(x)).sum(axis=0, keepdims=True)
    middle, cosine = hyperbolic.midpoint(total)
    theirs = BALL.weighted_midpoint(
        torch.from_numpy(x), torch.from_numpy(weights), reducedim=[0], dim=-1
    )
    np.testing.assert_allclose(middle[0], theirs.numpy(), rtol=1e-8)
    # Einstein's midpoint in Klein coordinates, and back.
    squared = (x * x).sum(axis=1, keepdims=True)
    klein = 2 * x / (1 + squared)
    gamma = weights * ((1 + squared) / (1 - squared))[:, 0]
    mean = (gamma[:, None] * klein).sum(axis=0) / gamma.sum()
    np.testing.assert_allclose(middle[0], mean / (1 + np.sqrt(1 - mean @ mean)), rtol=1e-8)
    apart = hyperbolic.distance(x, middle)
    assert cosine[0] == pytest.approx((weights * np.cosh(apart)).sum(), rel=1e-8)
    moved = middle + np.array([1e-3, 0, 0, 0, 0, 0])
    assert (weights * np.cosh(hyperbolic.distance(x, moved))).sum() > cosine[0]


def bushy(branches: int = 3) -> Tree:
    """Return a tree of four levels with 1 + 3 + 12 + 60 nodes."""
    parents: dict[str, str | None] = {"": None}
    for a, b, c in itertools.product(range(branches), range(4), range(5)):
        parents |= {f"{a}": "", f"{a}.{b}": f"{a}", f"{a}.{b}.{c}": f"{a}.{b}"}
    return grown(parents, parents)


def parameters(**changes: float) -> TreeEmbeddingParameters:
    """Return the parameters of the category tree, changed."""
    embedding = bank.group("merchant_hierarchy").parameters.embedding
    return TreeEmbeddingParameters.model_validate(embedding.model_dump() | changes)


def euclidean_twin(tree: Tree, given: TreeEmbeddingParameters) -> NDArray[np.float64]:
    """Return the distances of the same loss, start and Adam without the curvature."""
    wanted = tree.distances * given.edge_length + np.eye(len(tree.nodes))
    shape = (len(tree.nodes), given.dimension)
    flat = 0.1 * np.random.default_rng(given.seed).standard_normal(shape)
    first, second = np.zeros(shape), np.zeros(shape)
    for step in range(1, given.steps + 1):
        apart = np.sqrt(((flat[:, None] - flat[None]) ** 2).sum(-1)) + 1e-12
        weight = (apart / wanted - 1) / wanted / apart
        np.fill_diagonal(weight, 0)
        slope = 4 * (weight.sum(1, keepdims=True) * flat - weight @ flat) / shape[0] ** 2
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = given.learning_rate * (1 - (step - 1) / given.steps)
        flat -= rate * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
    return np.asarray(np.sqrt(((flat[:, None] - flat[None]) ** 2).sum(-1)))


def test_the_ball_holds_a_tree_that_flat_space_of_the_same_width_does_not() -> None:
    tree, given = bushy(), parameters(dimension=4, edge_length=2)
    laid = embed(tree, given)
    flat = euclidean_twin(tree, given)
    wanted = tree.distances * given.edge_length
    assert laid.mean_precision == 1.0
    assert laid.distortion < 0.03
    assert distortion(flat, wanted) > 4 * laid.distortion
    assert mean_precision(tree, flat) < 0.8
    np.testing.assert_allclose(laid.points[0], 0)
    depth = hyperbolic.distance(laid.points, laid.points[:1])
    np.testing.assert_allclose(depth, tree.depth * given.edge_length, rtol=0.2)


def test_the_trees_of_the_bank_are_rendered_whole() -> None:
    categories = grown(bank.PARENTS, bank.CATEGORIES)
    assert len(categories.nodes) == len(bank.PARENTS)
    laid = embed(categories, parameters())
    assert (laid.mean_precision, laid.distortion < 0.06) == (1.0, True)
    products = product_tree(
        Bank(tuple(Product(f"p{i}", f"g{i % 6}") for i in range(24)), ("debit",), 12)
    )
    assert len(products.nodes) == 31
    laid = embed(products, bank.group("product_hierarchy").parameters.embedding)
    assert (laid.mean_precision, laid.distortion < 0.03) == (1.0, True)


def test_the_figures_are_those_of_a_naive_count_and_see_a_wrong_layout() -> None:
    tree = bushy(1)
    laid = embed(tree, parameters(steps=20, learning_rate=0.1))
    assert 0.2 < laid.mean_precision < 0.95, "a layout that is neither right nor random"
    names = range(len(tree.nodes))
    apart = [
        [float(hyperbolic.distance(laid.points[i], laid.points[j])) for j in names] for i in names
    ]
    edges = {frozenset(edge) for edge in map(tuple, tree.edges)}
    scores = []
    for i in names:
        friends = [j for j in names if frozenset((i, j)) in edges]
        hits = []
        for friend in friends:
            ball = [j for j in names if j != i and apart[i][j] <= apart[i][friend]]
            hits.append(sum(j in friends for j in ball) / len(ball))
        scores.append(sum(hits) / len(hits))
    assert laid.mean_precision == pytest.approx(sum(scores) / len(scores))
    steps = [
        abs(apart[i][j] / (tree.distances[i, j] * parameters().edge_length) - 1)
        for i, j in itertools.combinations(names, 2)
    ]
    assert laid.distortion == pytest.approx(sum(steps) / len(steps), rel=1e-6)
    mixed = np.random.default_rng(1).permutation(len(tree.nodes))
    assert mean_precision(tree, np.array(apart)[mixed][:, mixed]) < 0.3


def test_the_slope_is_the_gradient_of_the_loss() -> None:
    tree = bushy(1)
    wanted = tree.distances * 1.3
    start = np.random.default_rng(8).standard_normal((len(tree.nodes), 4))
    tangent = torch.tensor(start, requires_grad=True)
    length = tangent.pow(2).sum(1, keepdim=True).sqrt()
    space = torch.sinh(length) / length * tangent
    cosine = torch.cosh(length) @ torch.cosh(length).T - space @ space.T
    off = ~torch.eye(len(tree.nodes), dtype=torch.bool)
    (torch.acosh(cosine[off]) / torch.from_numpy(wanted)[off] - 1).pow(2).mean().backward()
    assert tangent.grad is not None
    np.testing.assert_allclose(
        tree_embedding._slope(start, wanted), tangent.grad.numpy(), rtol=1e-8, atol=1e-12
    )


def test_threads_change_no_byte_of_an_embedding_and_the_seed_does() -> None:
    tree = bushy()
    made = []
    for threads in (1, 2):
        embed.cache_clear()
        with threadpool_limits(threads):
            made.append(embed(tree, parameters(steps=50)).points.tobytes())
    assert made[0] == made[1]
    assert made[0] != embed(tree, parameters(steps=50, seed=99)).points.tobytes()


def test_an_unknown_node_stands_at_its_nearest_known_ancestor() -> None:
    tree = grown(bank.PARENTS, ["5100", "5111"])
    assert tree.nodes == ("ROOT", "R5", "P510", "P511", "5100", "5111")
    assert tree.parents == (-1, 0, 1, 1, 2, 3)
    for code, stands in (("5100", "5100"), ("5101", "P510"), ("5135", "R5"), ("0000", "ROOT")):
        assert tree.nodes[known_place(tree, bank.PARENTS, code)] == stands


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"a": None, "b": None}, "2 nodes have no parent: a, b"),
        ({"r": None, "a": "b", "b": "a"}, "lead through 'a' and never to a root"),
        ({"r": None, "a": "gone"}, "lead through 'gone' and never to a root"),
    ],
)
def test_a_tree_that_is_none_is_refused(parents: dict[str, str | None], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        grown(parents, parents)


def test_a_root_alone_is_at_the_origin() -> None:
    laid = embed(grown({"r": None}, []), parameters())
    assert laid.points.tolist() == [[0.0] * parameters().dimension]
