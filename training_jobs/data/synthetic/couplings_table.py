"""How amounts and categories go together: two joint distributions with the same marginals."""

from dataclasses import dataclass

import numpy as np

from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.merchants import Market
from training_jobs.data.synthetic.random import Floats, Ints

_BINS = 64
_POINTS = 1024
"""Grid of log amounts on which the distributions are computed."""
_QUANTILES = 512
_SIGMA = 0.7
_TAIL_SHARE = 0.02
_TAIL_SHIFT = 1.6
"""One event in fifty is several times larger: the heavy tail."""
_BALANCING = 200
FAVOURITE = -2
"""Stands for whichever of the customer's own favourites."""


@dataclass(frozen=True)
class Couplings:
    """Tables by archetype a, class k and bin b of the amounts' ranks.

    Attributes:
        category: [k] category index, `FAVOURITE` for the last.
        quantile: [a, 513] log amount by rank.
        chance: [2, a, b, k] cumulative chances of the classes given the bin: usual, leaning.
        favourites: [prefixes, codes] category indices of the favourites.
    """

    category: Ints
    quantile: Floats
    chance: Floats
    favourites: Ints


def _density(log_amount: Floats, median: Floats) -> Floats:
    """Return [k, points] densities of each class: a normal with a tail above it."""
    away = log_amount[None, :] - median[:, None]
    body = np.exp(-0.5 * (away / _SIGMA) ** 2)
    tail = np.exp(-0.5 * ((away - _TAIL_SHIFT) / _SIGMA) ** 2)
    density: Floats = (1 - _TAIL_SHARE) * body + _TAIL_SHARE * tail
    density = density / density.sum(axis=1, keepdims=True)
    return density


def _lean(joint: Floats, tier: Ints, strength: float) -> Floats:
    """Return [k, b] another joint distribution with the marginals of `joint`.

    Odds of premium against basic categories rise with the amount; then rows and columns are
    scaled in turn until both marginals are back (Sinkhorn).
    """
    rank = np.linspace(-1.0, 1.0, joint.shape[1])
    moved = joint * np.exp(strength * tier[:, None] * rank[None, :])
    by_class, by_bin = joint.sum(axis=1), joint.sum(axis=0)
    for _ in range(_BALANCING):
        moved = moved * (by_bin / moved.sum(axis=0))[None, :]
        moved = moved * (by_class / moved.sum(axis=1))[:, None]
    return moved


def couple(settings: BankSettings, market: Market) -> Couplings:
    """Tabulate both couplings for every archetype; they depend on the market alone."""
    taste = settings.traces.tree_taste
    favourites = np.array([[market.index(code) for code in codes] for codes in taste.codes])
    plain = np.setdiff1d(np.arange(len(market.codes)), favourites.ravel())
    median = np.append(market.log_amount[plain], market.log_amount[favourites.ravel()].mean())
    tier = np.append(market.tier[plain], 0)
    weights = np.diff(market.taste, axis=1, prepend=0.0)[:, plain]
    weights = weights / weights.sum(axis=1, keepdims=True) * (1 - taste.share)
    weights = np.append(weights, np.full((len(weights), 1), taste.share), axis=1)
    grid = np.linspace(median.min() - 5 * _SIGMA, median.max() + 8 * _SIGMA, _POINTS)
    density = _density(grid, median)
    quantile, chance = [], []
    for weight in weights:
        mass = weight[:, None] * density
        below = np.concatenate([[0.0], np.cumsum(mass.sum(axis=0))])
        edges = np.append(grid, 2 * grid[-1] - grid[-2]) - 0.5 * (grid[1] - grid[0])
        ranks = np.linspace(0, 1, _QUANTILES + 1)
        ranks[[0, -1]] = [0.5e-3, 1 - 0.5e-3]
        quantile.append(np.interp(ranks, below / below[-1], edges))
        # Mass by class below each bin's bounds, then within.
        parts = np.concatenate([np.zeros((len(mass), 1)), np.cumsum(mass, axis=1)], axis=1)
        bounds = np.linspace(0, 1, _BINS + 1)
        at = np.interp(bounds, below / below[-1], np.arange(_POINTS + 1))
        upto = np.array([np.interp(at, np.arange(_POINTS + 1), part) for part in parts])
        joint = np.maximum(np.diff(upto, axis=1), 1e-15)
        both = (joint, _lean(joint, tier, settings.traces.drift_lean))
        chance.append([np.cumsum(one / one.sum(axis=0), axis=0).T for one in both])
    return Couplings(
        category=np.append(plain, FAVOURITE),
        quantile=np.array(quantile),
        chance=np.array(chance).transpose(1, 0, 2, 3),
        favourites=favourites,
    )
