"""Acquiring and closing products by additive competing risks, causes recorded."""

from dataclasses import dataclass

import numpy as np

from configs.settings.simulation import Target
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.random import Floats, Ints, Stream, pick_rows
from training_jobs.data.synthetic.state import Bools, State

CAUSES = ("background", *(mechanism.name for mechanism in MECHANISMS))
_MAX_HAZARD = 2.0
_ACTIVITY = np.array([0.2, 1.2, 1.6, 1.8])
"""Factor on the background of acquiring by engagement; about 1 on average."""
_DRIFT = 0.003
_SEASON = np.array([1.04, 0.98, 1.03, 1.02, 1.0, 0.98, 0.97, 0.96, 1.0, 1.0, 1.0, 1.02])
"""Factors on the background by calendar month; base rates drift by `_DRIFT` a month."""


@dataclass(frozen=True)
class ProductEvents:
    """What happened to products in a month: row of the customer, product, cause (index).

    `left` marks closings by a competing risk, apart from products that end by themselves.
    """

    row: Ints
    product: Ints
    cause: Ints
    closed: Bools
    left: Bools


def _hazards(state: State, target: Target, factor: Floats) -> Floats:
    """Return (n, causes) monthly hazards; column 0 is the background."""
    monthly = -np.log(1 - target.rate) / 3 * target.tuning
    hazards = np.zeros((state.size, len(CAUSES)))
    lean = sum(
        (weight * state.people.trait(name) for name, weight in target.traits.items()),
        np.zeros(state.size),
    )
    centred = lean - 0.5 * sum(weight**2 for weight in target.traits.values())
    background = 1 - sum(target.shares.values())
    calendar_month = (int(state.settings.first_month[5:]) - 1 + state.month) % 12
    season = _SEASON[calendar_month] * (1 + _DRIFT * (state.month - 24))
    hazards[:, 0] = monthly * background * np.exp(centred) * factor * season
    for name, share in target.shares.items():
        number = CAUSES.index(name)
        prevalence = state.settings.spells[name].prevalence
        hazards[:, number] = monthly * share / prevalence * state.on[:, number - 1]
    return np.minimum(hazards, _MAX_HAZARD)


def _happens(state: State, hazards: Floats, *, stream: Stream, index: int) -> tuple[Bools, Ints]:
    uniforms = state.draws.four(stream, state.people.ids, month=state.month, index=index)
    total = hazards.sum(axis=1)
    happens = uniforms[0] < 1 - np.exp(-total)
    return happens, pick_rows(hazards + 1e-300, uniforms[1])


def allowed(state: State) -> Bools:
    """Return (n, products): eligibility by age and income."""
    years = state.years
    columns = []
    for product in state.catalogue.products:
        rule = product.eligibility
        fits = np.ones(state.size, bool)
        if rule.min_age is not None:
            fits &= years >= rule.min_age
        if rule.max_age is not None:
            fits &= years < rule.max_age + 1
        if rule.min_income is not None:
            fits &= state.income >= rule.min_income
        columns.append(fits)
    rules: Bools = np.stack(columns, axis=1)
    return rules


def initial_holdings(state: State) -> Bools:
    """Return (n, products) holdings at the start; everybody holds something."""
    codes = [product.product for product in state.catalogue.products]
    share = np.array([state.settings.holding[code] for code in codes])
    uniform = state.draws.uniform(
        Stream.INITIAL, state.people.ids[:, None], index=np.arange(len(codes))
    )
    lean = np.exp(0.35 * state.people.trait("wealth") + 0.25 * state.people.trait("activity"))
    held: Bools = (uniform < share * lean[:, None]) & allowed(state)
    held[~held.any(axis=1), codes.index("cco")] = True
    return held


def acquire(state: State) -> list[ProductEvents]:
    """Draw this month's acquisitions, at most one a group and customer; changes the holdings."""
    codes = [product.product for product in state.catalogue.products]
    groups = [product.group for product in state.catalogue.products]
    popularity = np.array([state.settings.holding[code] for code in codes]) ** 0.6
    fits = allowed(state)
    before = state.held.copy()
    result = []
    for number, (group, target) in enumerate(sorted(state.settings.targets.items())):
        members = np.array([place for place, name in enumerate(groups) if name == group])
        open_ = fits[:, members] & ~before[:, members]
        hazards = _hazards(state, target, _ACTIVITY[state.engagement])
        state.hazard[:, number] = hazards.sum(axis=1)
        happens, cause = _happens(state, hazards, stream=Stream.ACQUIRE, index=number)
        happens &= open_.any(axis=1) & state.present
        weights = np.maximum(open_ * popularity[members], 1e-12)
        choice = state.draws.uniform(
            Stream.ACQUIRE, state.people.ids, month=state.month, index=100 + number
        )
        product = members[pick_rows(weights, choice)]
        row = np.flatnonzero(happens)
        state.held[row, product[row]] = True
        no = np.zeros(len(row), bool)
        result.append(ProductEvents(row, product[row], cause[row], closed=no, left=no))
    return result


def close(state: State, before: Bools) -> ProductEvents:
    """Draw this month's closings among products held `before`; changes the holdings.

    A customer who leaves closes about half of the products. Apart from that products end by
    themselves (deposits mature, loans are repaid), the more the longer the list.
    """
    target = state.settings.closing
    hazards = _hazards(state, target, np.ones(state.size))
    state.hazard[:, -1] = hazards.sum(axis=1)
    happens, cause = _happens(state, hazards, stream=Stream.CLOSE, index=0)
    codes = len(state.catalogue.products)
    uniforms = state.draws.four(
        Stream.CLOSE, state.people.ids[:, None], month=state.month, index=1 + np.arange(codes)
    )
    leaving = happens[:, None] & (uniforms[0] < 0.55) & before
    count = before.sum(axis=1)
    ending = (uniforms[1] < 0.004 * np.maximum(count - 3, 0)[:, None]) & before & ~leaving
    ended = leaving | ending
    row, product = np.nonzero(ended & state.present[:, None])
    state.held[row, product] = False
    caused = np.where(leaving[row, product], cause[row], 0)
    return ProductEvents(
        row, product, caused, closed=np.ones(len(row), bool), left=leaving[row, product]
    )


def record_adoption(state: State, events: list[ProductEvents]) -> None:
    """Note the share of each community's members who acquired something this month."""
    adopted = np.zeros(state.size)
    for happened in events:
        adopted[happened.row] = 1
    local = state.people.community - state.people.community[0]
    members = np.bincount(local)
    state.adoption[state.month] = np.bincount(local, weights=adopted) / members
