"""Numbers of a customer's whole look-back: what the clusters are made of.

Definitions; money in minor units, NaN = not recorded, a month counts where it is observed:
- spend, credits, events: monthly means of debits, of credits, of the number of transactions;
- mean_payment: mean debit;
- products_held: held at `as_of`;
- categories: distinct categories of the transactions that mean consumption;
- active_month_share: share of the months with a transaction;
- recent_share: share of the transactions in the last months;
- spend_variation: deviation of monthly spending over its mean;
- credit_balance: (credits - debits) / (credits + debits);
- night_share, weekend_share: share of the transactions; remote_share: share of the debits;
- recorded_income: the latest in the bank's record; tenure: months since the customer joined.

A missing number is imputed by the median of the fit sample, so that it pulls towards no cluster
more than the usual customer is pulled. A number that never varies in the fit sample, such as
spending where a bank has no transactions, is left out. Of a customer without an observed month
nothing is imputed: what is made of the aggregates is missing. No age, no gender.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.latent import Aggregate, Aggregates, Series
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank
from training_jobs.features.latent.arrays import Array, add_up, by_id, distinct
from training_jobs.features.latent.monthly import Months, consumption, in_channels, monthly, ratio
from training_jobs.features.latent.scaling import Scale, fit_scale

MONEY: frozenset[Aggregate] = frozenset({"spend", "credits", "mean_payment", "recorded_income"})
COUNTS: frozenset[Aggregate] = frozenset({"events", "products_held", "categories", "tenure"})


@dataclass(frozen=True)
class Numbers:
    """The configured aggregates of n customers.

    Attributes:
        known: (n) whether any month of the customer is observed; nothing is imputed for others.
        values: (n) by name, in order.
    """

    known: NDArray[np.bool_]
    values: Mapping[str, Array]


def aggregates(view: CutView, bank: Bank, settings: Aggregates) -> Numbers:
    """Read the configured aggregates of a view."""
    months = monthly(view, bank, remote_channels=settings.remote_channels)
    numbers = {**_of_months(months, settings), **_of_events(view, bank, settings)}
    known = np.asarray(months.observed.any(axis=0))
    return Numbers(known, {name: np.where(known, numbers[name], np.nan) for name in settings.names})


def scale_of(numbers: Numbers, settings: Aggregates) -> Scale:
    """Learn how the numbers are standardised."""
    return fit_scale(numbers.values, money=MONEY, counts=COUNTS, limit=settings.limit)


def standardised(numbers: Numbers, scale: Scale) -> Array:
    """Return complete standardised vectors, (d, n)."""
    return np.stack(
        [scale.filled(place, numbers.values[name]) for place, name in enumerate(scale.names)]
    )


def to_fit(numbers: Numbers, scale: Scale, customers: tuple[str, ...]) -> Array:
    """Return the standardised vectors of known customers in the order of their ids, (d, m)."""
    ordered = by_id(customers)
    chosen = ordered[numbers.known[ordered]]
    return np.ascontiguousarray(standardised(numbers, scale)[:, chosen])


def _of_months(months: Months, settings: Aggregates) -> dict[Aggregate, Array]:
    observed = months.observed
    length = add_up(observed.astype(np.float64))

    def total(name: Series) -> Array:
        return add_up(np.where(observed, months.series[name], 0.0))

    events, spend, credits = total("events"), total("spend"), total("credits")
    mean = ratio(spend, length)
    deviation = np.where(observed, months.series["spend"] - mean, 0.0)
    variance = ratio(add_up(deviation * deviation), length)
    used = observed & (months.series["events"] > 0)
    recent = np.where(observed, months.series["events"], 0.0)[-settings.recent_months :]
    return {
        "spend": mean,
        "credits": ratio(credits, length),
        "events": ratio(events, length),
        "mean_payment": ratio(spend, total("payments")),
        "products_held": months.series["products_held"][-1],
        "active_month_share": ratio(add_up(used.astype(np.float64)), length),
        "recent_share": ratio(add_up(recent), events),
        "spend_variation": ratio(np.sqrt(variance), mean),
        "credit_balance": ratio(credits - spend, credits + spend),
        "recorded_income": _latest(months.series["recorded_income"]),
        "tenure": months.series["tenure"][-1],
    }


def _latest(series: Array) -> Array:
    latest: Array = series[0]
    for row in series[1:]:
        latest = np.where(np.isnan(row), latest, row)
    return latest


def _of_events(view: CutView, bank: Bank, settings: Aggregates) -> dict[Aggregate, Array]:
    events = view.events
    chosen = consumption(events, bank)
    width = len(events.categories) + 1
    kinds = distinct(events.row[chosen] * width + events.category[chosen])
    remote = events.debit & in_channels(events, settings.remote_channels)

    def count(flags: NDArray[np.bool_]) -> Array:
        return events.count(flags).astype(np.float64)

    number = events.counts.astype(np.float64)

    return {
        "categories": np.bincount(kinds // width, minlength=view.rows).astype(np.float64),
        "night_share": ratio(count(events.within(settings.night)), number),
        "weekend_share": ratio(count(events.weekend), number),
        "remote_share": ratio(count(remote), count(events.debit)),
    }
