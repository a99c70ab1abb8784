"""A customer's own trials of new categories as a Bernoulli bandit with a Beta prior.

The arm is "try a category that is new to me". Thompson, "On the likelihood that one unknown
probability exceeds another" (1933), gives the Beta posterior; Kaufmann, Cappe and Garivier, "On
Bayesian Upper Confidence Bounds for Bandit Problems" (2012), its quantile as the upper bound.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from configs.settings.generators.latent import Bandit
from training_jobs.features.history import EventHistory
from training_jobs.features.latent.arrays import Array, distinct


def trials(
    events: EventHistory, chosen: NDArray[np.bool_], settings: Bandit
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return trials, successes and whether there is any categorised event, (n) each.

    A trial is a customer's first event of a category within the look-back, more than `settle_days`
    after the customer's first categorised event and at least `reward_days` before `as_of`, so that
    its outcome is known. It is a success when the category is used again on a later day within
    `reward_days`.

    Args:
        events: of the view.
        chosen: [E] the events whose category counts.
        settings: the days.
    """
    count = len(events.offsets) - 1
    row, back = events.row[chosen], events.back[chosen]
    known = np.bincount(row, minlength=count) > 0
    oldest = np.full(count, -1, np.int64)
    np.maximum.at(oldest, row, back)
    days = int(back.max(initial=0)) + 1
    width = len(events.categories) + 1
    # One key a customer, category and day, ascending from the oldest day to the newest.
    keys = distinct((row * width + events.category[chosen]) * days + (days - 1 - back))
    pair, day = keys // days, keys % days
    fresh = np.ones(len(keys), np.bool_)
    fresh[1:] = pair[1:] != pair[:-1]
    again = np.zeros(len(keys), np.bool_)
    again[:-1] = ~fresh[1:] & (day[1:] - day[:-1] <= settings.reward_days)
    who, ago = pair // width, days - 1 - day
    trial = fresh & (oldest[who] - ago > settings.settle_days) & (ago >= settings.reward_days)
    return (
        np.bincount(who[trial], minlength=count).astype(np.float64),
        np.bincount(who[trial & again], minlength=count).astype(np.float64),
        known,
    )


def posterior(tried: Array, succeeded: Array, settings: Bandit) -> Array:
    """Return mean, standard deviation and upper bound of the Beta posterior, and trials: (4, n)."""
    successes = settings.prior_successes + succeeded
    failures = settings.prior_failures + tried - succeeded
    total = successes + failures
    mean = successes / total
    deviation = np.sqrt(mean * (failures / total) / (total + 1))
    upper: Array = betaincinv(successes, failures, settings.upper)
    return np.stack([mean, deviation, upper, tried])
