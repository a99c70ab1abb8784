"""Geometry of the Poincare ball of curvature -1, in float64, and its hyperboloid.

Points are rows of arrays of shape (.., d). In the ball they have norm < 1; on the hyperboloid
they have d + 1 coordinates, time first, with <x, x> = -1 under the Lorentz product. Formulas: Ungar
2008, "Analytic Hyperbolic Geometry"; Nickel and Kiela 2018, "Learning Continuous Hierarchies in the
Lorentz Model".
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def _squared(points: Points) -> Points:
    """Return |x|^2, shape (.., 1)."""
    squared: Points = np.sum(points * points, axis=-1, keepdims=True)
    return squared


def mobius_add(x: Points, y: Points) -> Points:
    """Return the Mobius sum of points of the ball, broadcast, shape (.., d)."""
    inner = np.sum(x * y, axis=-1, keepdims=True)
    x2, y2 = _squared(x), _squared(y)
    total: Points = ((1 + 2 * inner + y2) * x + (1 - x2) * y) / (1 + 2 * inner + x2 * y2)
    return total


def distance(x: Points, y: Points) -> Points:
    """Return the geodesic distance of points of the ball, broadcast, shape (..)."""
    moved = np.sqrt(_squared(mobius_add(-x, y)))[..., 0]
    apart: Points = 2 * np.arctanh(moved)
    return apart


def exp_origin(tangent: Points) -> Points:
    """Return the point of the ball at the end of the geodesic that leaves the origin as `tangent`.

    The metric at the origin is 4 |v|^2, so the distance from the origin is 2 |tangent|.
    """
    length = np.sqrt(_squared(tangent))
    point: Points = tangent * np.where(
        length > 0, np.tanh(length) / np.where(length > 0, length, 1), 1
    )
    return point


def log_origin(point: Points) -> Points:
    """Return the inverse of `exp_origin`."""
    length = np.sqrt(_squared(point))
    tangent: Points = point * np.where(
        length > 0, np.arctanh(length) / np.where(length > 0, length, 1), 1
    )
    return tangent


def to_hyperboloid(point: Points) -> Points:
    """Return points of the ball on the hyperboloid, shape (.., d + 1)."""
    squared = _squared(point)
    lifted: Points = np.concatenate([1 + squared, 2 * point], axis=-1) / (1 - squared)
    return lifted


def to_ball(lifted: Points) -> Points:
    """Return the inverse of `to_hyperboloid`, shape (.., d)."""
    point: Points = lifted[..., 1:] / (1 + lifted[..., :1])
    return point


def midpoint(total: Points) -> tuple[Points, Points]:
    """Return the midpoint of weighted points and the mean hyperbolic cosine of distances to it.

    In Klein coordinates this is Einstein's midpoint: the mean weighted by Lorentz factors. On the
    hyperboloid it is simply the direction of the weighted sum, and the Lorentz length of the sum of
    points weighted to 1 is the mean of cosh(distance to the midpoint), 1 where all points agree
    (Law et al. 2019, "Lorentzian Distance Learning").

    Args:
        total: weighted sums of hyperboloid points, weights adding to 1, shape (.., d + 1).

    Returns:
        Points of the ball, shape (.., d), and mean cosines >= 1, shape (..).
    """
    time, space = total[..., :1], total[..., 1:]
    length = np.sqrt(np.maximum(time * time - _squared(space), 1.0))
    return to_ball(total / length), length[..., 0]
