"""The market: spending categories, tastes of the archetypes, merchants and local favourites."""

from dataclasses import dataclass

import numpy as np

from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.population import ARCHETYPES
from training_jobs.data.synthetic.random import Floats, Ints, philox

ONLINE = ("4816", "4899", "5968", "5964")
"""Categories without a place: no community has a favourite among them."""


@dataclass(frozen=True)
class Market:
    """Arrays by category index c of `codes`.

    Attributes:
        taste: (archetypes, c) cumulative shares.
        log_amount: log of the median amount in won.
        tier: -1 basic, 0 neutral, 1 premium.
        first_merchant: number of the category's first merchant.
        merchant_count: merchants of the category.
    """

    codes: tuple[str, ...]
    taste: Floats
    log_amount: Floats
    tier: Ints
    first_merchant: Ints
    merchant_count: Ints
    online: np.ndarray

    def index(self, code: str) -> int:
        """Return the index of a category code."""
        return self.codes.index(code)


def _hash(*words: Ints | int, seed: int) -> Floats:
    padded = [*words, *([0] * (4 - len(words)))]
    shares: Floats = philox((padded[0], padded[1], padded[2], padded[3]), seed)[0] / 2.0**32
    return shares


def open_market(settings: BankSettings, seed: int) -> Market:
    """Lay out the market; it depends on the settings and the seed alone."""
    weight = np.array([category.weight for category in settings.categories])
    size = len(weight)
    # Each archetype likes some categories several times more than others do.
    liking = np.exp(
        1.4 * (_hash(np.arange(ARCHETYPES)[:, None], np.arange(size)[None, :], 7, seed=seed) - 0.5)
    )
    count = np.maximum(8, np.round(settings.merchants * weight**0.7 / (weight**0.7).sum()))
    tiers = {"basic": -1, "neutral": 0, "premium": 1}
    return Market(
        codes=tuple(category.code for category in settings.categories),
        taste=np.cumsum(weight * liking, axis=1),
        log_amount=np.log([category.amount for category in settings.categories]),
        tier=np.array([tiers[category.tier] for category in settings.categories]),
        first_merchant=np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64),
        merchant_count=count.astype(np.int64),
        online=np.array([category.code in ONLINE for category in settings.categories]),
    )


def choose_merchants(
    market: Market,
    *,
    category: Ints,
    customer: Ints,
    community: Ints,
    uniforms: list[Floats],
    seed: int,
) -> Ints:
    """Return merchant numbers: the community's favourite, the customer's own, or any by Zipf.

    Args:
        market: the market.
        category: category index of each event.
        customer: customer number of each event.
        community: community number of each event.
        uniforms: two arrays of uniforms.
        seed: the bank's seed; favourites are hashes of it.
    """
    count = market.merchant_count[category]
    shared = np.floor(_hash(community, category, 11, seed=seed) * count)
    own = np.floor(_hash(customer, category, 13, seed=seed) * count)
    any_ = np.floor(count * uniforms[1] ** 2)
    local = (uniforms[0] < 0.5) & ~market.online[category]
    place = np.where(local, shared, np.where(uniforms[0] < 0.72, own, any_))
    result: Ints = market.first_merchant[category] + place.astype(np.int64)
    return result
