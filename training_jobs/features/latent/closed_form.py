"""The closed-form continuous-time cell of Hasani et al., Nature Machine Intelligence 4 (2022).

Their equation of the state x after an input I and an elapsed time t,

    x(t) = sigmoid(-f(x, I) t) * g(x, I) + (1 - sigmoid(-f(x, I) t)) * h(x, I),

with one layer for each head: f linear, g and h with a hyperbolic tangent. The weights are drawn
once from a seed and never trained: a reservoir (Jaeger, 2001) whose states differ between
customers because their events and gaps do.
"""

from dataclasses import dataclass

import numpy as np

from configs.settings.generators.latent import ClosedForm
from training_jobs.features.latent.arrays import Array

HEADS = 3
"""Time constant f, and the two ends g and h between which time moves the state."""


@dataclass(frozen=True)
class Cell:
    """Weights of u units over i inputs.

    Attributes:
        weights: (3, u, u + i): heads f, g, h; states before inputs.
        biases: (3, u).
    """

    weights: Array
    biases: Array


def draw_cell(settings: ClosedForm, inputs: int) -> Cell:
    """Draw the weights of the seed."""
    draw = np.random.default_rng(settings.seed)
    units = settings.units
    recurrent = draw.normal(size=(HEADS, units, units)) * settings.recurrent_scale / np.sqrt(units)
    driven = draw.normal(size=(HEADS, units, inputs)) * settings.input_scale
    biases = draw.normal(size=(HEADS, units)) * settings.input_scale
    return Cell(np.concatenate([recurrent, driven], axis=2), biases)


def step(cell: Cell, state: Array, inputs: Array, elapsed: Array) -> Array:
    """Return the states after one input.

    Args:
        cell: the weights.
        state: (u, n).
        inputs: (i, n).
        elapsed: (n) time since the input before, at least 0.
    """
    heads = np.repeat(cell.biases[:, :, None], state.shape[1], axis=2)
    part = np.empty_like(heads)
    for place, row in enumerate([*state, *inputs]):
        np.multiply(cell.weights[:, :, place, None], row, out=part)
        heads += part
    towards_g = 1 / (1 + np.exp(np.clip(heads[0] * elapsed, -CLIP, CLIP)))
    moved: Array = towards_g * np.tanh(heads[1]) + (1 - towards_g) * np.tanh(heads[2])
    return moved


CLIP = 500.0
"""Beyond it the sigmoid is 0 or 1 in double precision, and exp would overflow."""
