"""Trees in the Poincare disk by Sarkar's construction (2011): every edge is equally long.

The neighbours of a node stand on a hyperbolic circle around it. Sarkar spaces them evenly; here
their share of the circle follows their number of leaves, so that crowded branches have room. No
training, no randomness.
"""

import cmath
import math
from collections.abc import Sequence


def embed(
    parents: Sequence[int | None], *, edge_length: float, parent_share: float
) -> list[complex]:
    """Return a point of the open unit disk for every node, the root at 0.

    Args:
        parents: place of each node's parent, which stands before its children; None at the root.
        edge_length: hyperbolic distance of every child from its parent.
        parent_share: share of the circle around a node that is left to its parent.
    """
    children: list[list[int]] = [[] for _ in parents]
    for place, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(place)
    leaves = [1] * len(parents)
    for place in reversed(range(len(parents))):
        if children[place]:
            leaves[place] = sum(leaves[child] for child in children[place])
    radius = math.tanh(edge_length / 2)
    points = [0j] * len(parents)
    for place, parent in enumerate(parents):
        centre, free, start = points[place], 1.0, 0.0
        if parent is not None:
            # Seen from the node as the centre of the disk, the parent lies in this direction.
            free = 1 - parent_share
            start = cmath.phase(moved(points[parent], centre)) + math.pi * parent_share
        for child in children[place]:
            wide = 2 * math.pi * free * leaves[child] / leaves[place]
            points[child] = moved_back(cmath.rect(radius, start + wide / 2), centre)
            start += wide
    return points


def moved(point: complex, centre: complex) -> complex:
    """Return where `point` lies when `centre` is moved to 0 by an isometry."""
    return (point - centre) / (1 - centre.conjugate() * point)


def moved_back(point: complex, centre: complex) -> complex:
    """Undo `moved`."""
    return (point + centre) / (1 + centre.conjugate() * point)


def distance(first: complex, second: complex) -> float:
    """Return the hyperbolic distance of two points."""
    return 2 * math.atanh(abs(moved(first, second)))
