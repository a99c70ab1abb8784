"""Hidden situations and observed attributes of each customer, month by month."""

import numpy as np

from training_jobs.data.synthetic.population import ARCHETYPES, CHANNELS, REGIONS, TRAITS
from training_jobs.data.synthetic.random import Floats, Ints, Stream
from training_jobs.data.synthetic.state import State

SEGMENTS = ("basic", "standard", "premium", "private")
_SEGMENT_BOUNDS = np.array([-0.5, 0.6, 1.7])
_HYSTERESIS = 0.1
_RETURN_RATE = 0.02
ENGAGEMENT_RATE = np.array([0.04, 0.55, 1.0, 1.7])
"""Factor on the number of events by engagement."""
_LIFECYCLE_AGES = np.array([24.0, 34.0, 48.0, 63.0])
_SHOCK_RATE = 0.0006
_PERSISTENCE = 0.94


def initial_engagement(state: State) -> Ints:
    """Return engagement at the start: the least active are dormant."""
    uniform = state.draws.four(Stream.ENGAGEMENT, state.people.ids)
    activity = state.people.trait("activity") + 0.6 * (uniform[0] - 0.5) * 3.46
    # The quantile of the population, not of the block, so that blocks do not depend on each other.
    spread = np.sqrt(1.0 + 0.6**2)
    bound = spread * _normal_quantile(state.settings.dormant_share)
    level = np.digitize(activity, [bound, bound + 0.5, bound + 1.5])
    return level.astype(np.int64)


def _normal_quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def lifecycle_of(years: Floats, offset: Floats) -> Ints:
    """Return the lifecycle stage of an age, shifted by a personal offset in years."""
    return np.digitize(years + offset, _LIFECYCLE_AGES).astype(np.int64)


def review_segment(value: Floats, segment: Ints) -> Ints:
    """Return the segment after a review: it moves only past the bound by the hysteresis."""
    up = np.digitize(value - _HYSTERESIS, _SEGMENT_BOUNDS)
    down = np.digitize(value + _HYSTERESIS, _SEGMENT_BOUNDS)
    return np.where(up > segment, up, np.where(down < segment, down, segment)).astype(np.int64)


def declared_income(level: Floats, lifecycle: Ints) -> Floats:
    """Return yearly income in won from the income level and the stage of life."""
    base = np.array([12e6, 32e6, 48e6, 55e6, 26e6])[lifecycle]
    income: Floats = np.round(base * np.exp(0.45 * level) / 1e5) * 1e5
    return income


def evolve(state: State) -> None:
    """Advance all situations by one month, in place."""
    ids, month, draws = state.people.ids, state.month, state.draws
    move = draws.four(Stream.ENGAGEMENT, ids, month=month + 1)
    dormant = state.engagement == 0
    share = state.settings.dormant_share
    fall_asleep = _RETURN_RATE * share / (1 - share)
    wake = dormant & (move[0] < _RETURN_RATE)
    sleep = ~dormant & (move[0] < fall_asleep)
    drift = np.where(move[1] < 0.03, -1, np.where(move[1] > 0.97, 1, 0))
    level = np.where(dormant, 0, np.clip(state.engagement + drift, 1, 3))
    state.engagement = np.where(wake, 2, np.where(sleep, 0, level))
    state.lifecycle = lifecycle_of(state.years, state.people.lifecycle_shift)

    step = draws.normal(Stream.VALUE, ids, month=month + 1)
    wealth = state.people.traits[:, TRAITS.index("wealth")]
    anchor = 0.8 * wealth
    noise = 0.6 * np.sqrt(1 - _PERSISTENCE**2)
    state.value = anchor + _PERSISTENCE * (state.value - anchor) + noise * step
    if month % 3 == 0:
        state.segment = review_segment(state.value, state.segment)

    change = draws.four(Stream.CONSUMPTION, ids, month=month + 1)
    new = np.floor(change[1] * ARCHETYPES).astype(np.int64)
    state.consumption = np.where(change[0] < 0.015, new, state.consumption)

    moved = draws.four(Stream.ATTRIBUTES, ids, month=month + 1)
    region = np.floor(moved[1] * len(REGIONS)).astype(np.int64)
    channel = np.floor(moved[3] * len(CHANNELS)).astype(np.int64)
    shock = draws.uniform(Stream.SHOCK, ids, month=month + 1) < _SHOCK_RATE
    state.region = np.where((moved[0] < 0.002) | shock, region, state.region)
    state.channel = np.where((moved[2] < 0.004) | shock, channel, state.channel)
    # A few customers change everything at once.
    state.consumption = np.where(shock, (state.consumption + 3) % ARCHETYPES, state.consumption)
    state.value = np.where(shock, -state.value, state.value)
    state.engagement = np.where(shock, 3 - state.engagement, state.engagement)
    # Yearly review of pay and, with it, of the income on record, in each customer's own month.
    review = (ids + month) % 12 == 0
    state.pay = np.where(review, state.pay * 1.02, state.pay)
    state.income = np.where(review, np.round(state.pay / 1e5) * 1e5, state.income)
