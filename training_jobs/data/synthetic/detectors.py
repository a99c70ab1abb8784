"""Seven reference detectors: each planted mechanism, looked for with its true parameters.

They read the observed history alone. What a learner makes of them is the detector oracle: how much
of the state oracle's ceiling lies in the history at all.
"""

import numpy as np

from training_jobs.data.synthetic.lenses import causal
from training_jobs.data.synthetic.lenses.base import Look, share, side_by_side, table
from training_jobs.data.synthetic.lenses.lightgcn import adopted
from training_jobs.data.synthetic.lenses.observed import LOOKBACK, Observed
from training_jobs.data.synthetic.lenses.optimal_transport import own_ranks
from training_jobs.data.synthetic.mechanisms.crosses import board_factors
from training_jobs.data.synthetic.random import Floats, Ints

_OUTING_SECONDS = 1500
"""Time from one event of an outing to the next."""
_PERIODS = np.array([5.0, 5.75, 6.5, 7.25, 8.0])


def crosses(observed: Observed, look: Look) -> Floats:
    """Return both boards and their product, by the true bounds and centres."""
    first, second = board_factors(
        look.settings.traces.crosses,
        income=observed.income,
        channel=observed.channel,
        segment=observed.segment,
        region=observed.region,
    )
    first = np.where(np.isfinite(observed.income), first, np.nan)
    return side_by_side([first, second, first * second])


def rhythm(observed: Observed, look: Look) -> Floats:
    """Return outings in the motif's order and in any, over the windows."""
    motif = [look.category_codes.index(code) for code in look.settings.motif]
    size = len(observed.row) - 3
    together, ordered = np.ones(max(size, 0), bool), np.ones(max(size, 0), bool)
    for place in range(3):
        first, second = slice(place, place + size), slice(place + 1, place + 1 + size)
        apart = observed.second[first] - observed.second[second]
        together &= (observed.row[first] == observed.row[second]) & (apart == _OUTING_SECONDS)
    for place, category in enumerate(motif):
        ordered &= observed.category[place : place + size] == category
    pad = np.zeros(3, bool)
    parts = []
    for months in look.parameters.months[:4]:
        recent = observed.back < months
        parts += [
            np.bincount(observed.row[chosen & recent], minlength=observed.size)
            for chosen in (np.append(together & ordered, pad), np.append(together, pad))
        ]
    return side_by_side([part.astype(np.float64) for part in parts])


def tree_taste(observed: Observed, look: Look) -> Floats:
    """Return the favourites' events and the chance that two of them share a branch."""
    branches = look.settings.traces.tree_taste.codes
    of = np.full(len(look.category_codes), -1)
    for number, codes in enumerate(branches):
        of[[look.category_codes.index(code) for code in codes]] = number
    branch, size = of[observed.category], len(look.category_codes)
    parts = []
    for months in look.parameters.months[:4]:
        chosen = (branch >= 0) & (observed.back < months)
        by_branch = table(observed, chosen, branch, len(branches))
        by_code = table(observed, chosen, observed.category, size)
        same = (by_branch**2).sum(axis=1) - (by_code**2).sum(axis=1)
        total = by_branch.sum(axis=1)
        pairs = total**2 - (by_code**2).sum(axis=1)
        parts += [total, share(same, pairs), by_branch.max(axis=1) - total / 3]
    return side_by_side(parts)


def _month_ranks(observed: Observed) -> Floats:
    """Return [e] the mid-rank of each amount in the customer's month, in (0, 1)."""
    group = observed.row * LOOKBACK + observed.back
    order = np.lexsort((observed.amount, group))
    counts = np.bincount(group, minlength=observed.size * LOOKBACK)
    starts = np.cumsum(counts) - counts
    result = np.empty(len(order))
    ordered = group[order]
    result[order] = (np.arange(len(order)) - starts[ordered] + 0.5) / counts[ordered]
    return result


def shape(observed: Observed, look: Look) -> Floats:
    """Return how far the amplitude of the swing is from the loop's fixed one.

    On a loop s = sin(angle), so s_t^2 + ((s_(t+1) - s_(t-1)) / (2 sin step))^2 stays near 1. The
    angle is read from ranks within the month, since that is how amounts are dealt.
    """
    side = np.sin(np.pi * (_month_ranks(observed) - 0.5))
    counts = np.bincount(observed.row, minlength=observed.size)
    ends = np.cumsum(counts)
    # Events left until the customer's latest one.
    left = np.repeat(ends, counts) - 1 - np.arange(len(side))
    inner = np.zeros(len(side), bool)
    inner[1:-1] = (observed.row[1:-1] == observed.row[:-2]) & (
        observed.row[1:-1] == observed.row[2:]
    )
    change = np.zeros(len(side))
    change[1:-1] = side[2:] - side[:-2]
    parts = []
    for points in look.parameters.points:
        chosen = inner & (left < points)
        row = observed.row[chosen]
        number = np.bincount(row, minlength=observed.size)
        away = []
        for step in 2 * np.pi / _PERIODS:
            size = side[chosen] ** 2 + (change[chosen] / (2 * np.sin(step))) ** 2
            away.append(share(np.bincount(row, np.abs(size - 1), observed.size), number))
        parts.append(np.min(away, axis=0))
    return side_by_side(parts)


def community(observed: Observed, look: Look) -> Floats:
    """Return what the other members of the true community acquired lately, per member."""
    number = np.unique(observed.customer // look.settings.community, return_inverse=True)[1]
    own = adopted(observed, look.parameters.months)
    members = np.bincount(number).astype(np.float64)
    total = np.stack([np.bincount(number, weights=column) for column in own.T], axis=1)
    others: Floats = (total[number] - own) / np.maximum(members[number] - 1, 1)[:, None]
    return others


def cause(observed: Observed, look: Look) -> Floats:
    """Return how near a monthly change of pay came to the true rise, when, and spending since."""
    rise = np.log(look.settings.traces.cause.pay_rise)
    spent, count = causal.monthly_spending(observed)
    parts: list[Floats | Ints] = []
    for pay in (observed.credits[:, :, :2].sum(axis=2), observed.credits.sum(axis=2)):
        change = causal.changes(pay)
        away = np.where(np.isfinite(change), np.abs(change - rise), np.inf)
        month = away.argmin(axis=1) + 1
        near = away.min(axis=1)
        parts += [
            np.where(np.isfinite(near), near, np.nan),
            LOOKBACK - month,
            causal.around(spent, count, month),
        ]
    return side_by_side(parts)


def drift(observed: Observed, look: Look) -> Floats:
    """Return the covariance of tier and amount rank in the windows and in the past."""
    tier = look.tier[observed.category].astype(np.float64)
    rank = own_ranks(observed) - 0.5
    parts = []
    for months in look.parameters.months[:4]:
        chosen = (tier != 0) & (observed.back < months)
        row = observed.row[chosen]
        number = np.bincount(row, minlength=observed.size)
        parts.append(share(np.bincount(row, (tier * rank)[chosen], observed.size), number))
    return side_by_side(parts)


DETECTORS = {
    "crosses": crosses,
    "rhythm": rhythm,
    "tree_taste": tree_taste,
    "shape": shape,
    "community": community,
    "cause": cause,
    "drift": drift,
}


def attributes(observed: Observed) -> Floats:
    """Return what any bank knows at `as_of` and may use: no age, no gender."""
    held = observed.held[:, -1].astype(np.float64)
    return side_by_side(
        [
            held,
            held.sum(axis=1),
            observed.held[:, -6:].sum(axis=2).mean(axis=1),
            observed.segment.astype(np.float64),
            observed.income,
            observed.joined.astype(np.float64),
            observed.events_within(3).astype(np.float64),
            observed.events_within(12).astype(np.float64),
        ]
    )
