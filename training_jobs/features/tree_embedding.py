"""Embedding of a tree in hyperbolic space, with the two figures that say how true it is.

Every node is the exponential of a tangent vector at the origin of the hyperboloid, so plain Adam
(Kingma and Ba 2015) moves it without leaving the space, and all pairwise Lorentz products are one
matrix product. The loss is the mean squared relative error of the distances, as in Sala et al.
2018, "Representation Tradeoffs for Hyperbolic Embeddings".
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.hierarchy import TreeEmbeddingParameters
from training_jobs.features.hyperbolic import Points, distance, to_ball
from training_jobs.features.tree import Tree

_BETA, _BETA_SQUARED, _EPSILON = 0.9, 0.999, 1e-9
_START = 0.1
_NEAREST = 1e-12


@dataclass(frozen=True)
class TreeEmbedding:
    """Points of the ball and how well they render the tree.

    Attributes:
        points: [nodes, d] in the Poincare ball; the root is at the origin.
        mean_precision: mean over nodes and their neighbours of the precision of the neighbours
            among the nodes no farther away (MAP of Nickel and Kiela 2017); 1 is perfect.
        distortion: mean over pairs of |distance / (edge length x edges) - 1|; 0 is perfect.
    """

    points: Points
    mean_precision: float
    distortion: float


@lru_cache(maxsize=8)
def embed(tree: Tree, parameters: TreeEmbeddingParameters) -> TreeEmbedding:
    """Return the embedding of `tree`; the same bytes for the same tree, whatever the threads.

    Args:
        tree: any; a root alone is at the origin.
        parameters: width, edge length, steps, learning rate and seed.
    """
    if len(tree.nodes) == 1:
        return TreeEmbedding(np.zeros((1, parameters.dimension)), 1.0, 0.0)
    wanted = np.asarray(tree.distances * parameters.edge_length, np.float64)
    tangent = _START * np.random.default_rng(parameters.seed).standard_normal(
        (len(tree.nodes), parameters.dimension)
    )
    # The root stays at the origin: the distance from the origin is then the depth.
    tangent[0] = 0.0
    first = np.zeros_like(tangent)
    second = np.zeros_like(tangent)
    for step in range(1, parameters.steps + 1):
        slope = _slope(tangent, wanted)
        slope[0] = 0.0
        first = _BETA * first + (1 - _BETA) * slope
        second = _BETA_SQUARED * second + (1 - _BETA_SQUARED) * slope * slope
        rate = parameters.learning_rate * (1 - (step - 1) / parameters.steps)
        tangent = tangent - rate * (first / (1 - _BETA**step)) / (
            np.sqrt(second / (1 - _BETA_SQUARED**step)) + _EPSILON
        )
    points = to_ball(_lift(tangent))
    apart = distance(points[:, None, :], points[None, :, :])
    return TreeEmbedding(points, mean_precision(tree, apart), distortion(apart, wanted))


def _lift(tangent: Points) -> Points:
    """Return the exponential at the origin of the hyperboloid, shape (n, d + 1)."""
    length = np.sqrt(np.sum(tangent * tangent, axis=1, keepdims=True))
    ratio = np.where(length > 0, np.sinh(length) / np.where(length > 0, length, 1), 1.0)
    return np.concatenate([np.cosh(length), ratio * tangent], axis=1)


def _slope(tangent: Points, wanted: Points) -> Points:
    """Return the gradient of the mean over pairs of (distance / wanted - 1)^2, shape (n, d).

    Products are by einsum, never by a threaded library whose sums depend on the threads.
    """
    nodes = len(tangent)
    lifted = _lift(tangent)
    signed = lifted.copy()
    signed[:, 1:] *= -1
    cosine = np.maximum(np.einsum("id,jd->ij", lifted, signed), 1 + _NEAREST)
    pairs = nodes * (nodes - 1)
    safe = np.where(wanted > 0, wanted, 1.0)
    weight = 2 * (np.arccosh(cosine) / safe - 1) / safe / np.sqrt(cosine * cosine - 1)
    np.fill_diagonal(weight, 0.0)
    outer = np.einsum("ij,jd->id", weight, signed) * (2 / pairs)
    length = np.maximum(np.sqrt(np.sum(tangent * tangent, axis=1, keepdims=True)), _NEAREST)
    unit = tangent / length
    along = np.sum(outer[:, 1:] * unit, axis=1, keepdims=True)
    across = outer[:, 1:] - along * unit
    return np.asarray(
        (outer[:, :1] * np.sinh(length) + along * np.cosh(length)) * unit
        + across * (np.sinh(length) / length)
    )


def mean_precision(tree: Tree, apart: Points) -> float:
    """Return the MAP of the tree's edges under the distances `apart`, shape (n, n)."""
    joined = tree.distances == 1
    scores = []
    for node in range(len(tree.nodes)):
        others = np.arange(len(tree.nodes)) != node
        reach = apart[node][others]
        friends = joined[node][others]
        limits = reach[friends]
        found = (reach[None, :] <= limits[:, None]) & friends[None, :]
        nearer = (reach[None, :] <= limits[:, None]).sum(axis=1)
        scores.append(float(np.mean(found.sum(axis=1) / nearer)))
    return float(np.mean(scores))


def distortion(apart: Points, wanted: NDArray[np.float64]) -> float:
    """Return the mean over pairs of |apart / wanted - 1|, both of shape (n, n)."""
    pairs = wanted > 0
    return float(np.mean(np.abs(apart[pairs] / wanted[pairs] - 1)))
