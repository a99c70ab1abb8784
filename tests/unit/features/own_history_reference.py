"""Naive readings of one customer's rows, in plain Python, of the groups off by default."""

import cmath
import datetime as dt
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from configs.settings.months import shift
from tests.unit.features.features_bank import Row

Values = dict[str, float | None]
FOOD = {"5411", "5422", "5441", "5451", "5462", "5499", "5811", "5812", "5814"}


@dataclass(frozen=True)
class Life:
    """One customer: the transactions inside the look-back, and the day of joining."""

    events: Sequence[Row]
    joined: dt.date | None
    as_of: dt.date

    @property
    def days(self) -> list[dt.date]:
        """The days of the look-back, oldest first."""
        start = shift(self.as_of, -12) + dt.timedelta(days=1)
        return [start + dt.timedelta(days=n) for n in range((self.as_of - start).days + 1)]

    @property
    def known_days(self) -> list[dt.date]:
        """Those since the customer joined."""
        return [day for day in self.days if self.joined is None or day >= self.joined]

    @property
    def known_months(self) -> list[dt.date]:
        """The month ends since the customer joined, oldest first."""
        ends = [shift(self.as_of, -back) for back in range(11, -1, -1)]
        return [end for end in ends if self.joined is None or end >= shift(self.joined, 0)]

    def counts(self, days: Sequence[dt.date]) -> list[int]:
        """Return events on each of the days."""
        found = Counter(event["ts"].date() for event in self.events)
        return [found[day] for day in days]

    def monthly(self, direction: str | None, only: set[str] | None = None) -> list[int]:
        """Return money, or events where no direction is given, by known month."""
        return [
            sum(
                event["amount"] if direction else 1
                for event in self.events
                if shift(event["ts"].date(), 0) == end
                and (direction is None or event["direction"] == direction)
                and (only is None or event["category"] in only)
            )
            for end in self.known_months
        ]


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's correlation, None where one does not vary."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    return statistics.correlation(list(first), list(second))


def slope(across: Sequence[float], up: Sequence[float], least: int) -> float | None:
    """Return the least-squares slope."""
    if len(across) < least or len(set(across)) < 2:
        return None
    return statistics.linear_regression(list(across), list(up)).slope


def tau(series: Sequence[float] | Sequence[Fraction]) -> float:
    """Return Kendall's tau-a with time."""
    pairs = [(a, b) for place, b in enumerate(series) for a in series[:place]]
    return sum((b > a) - (b < a) for a, b in pairs) / len(pairs)


def spectrum(series: Sequence[float], frequencies: Sequence[int]) -> float | None:
    """Return the share of the energy, mean removed, at `frequencies` and their mirror images."""
    n = len(series)
    mean = sum(series) / n
    energy = [
        abs(sum((x - mean) * cmath.exp(-2j * math.pi * k * t / n) for t, x in enumerate(series)))
        ** 2
        for k in (*frequencies, *(n - k for k in frequencies))
    ]
    whole = n * sum((x - mean) ** 2 for x in series)
    return sum(energy) / whole if len(set(series)) > 1 else None


def temporal(life: Life) -> Values:
    """Return the columns of `temporal`."""
    stamps = sorted(math.floor((e["ts"] - dt.datetime(1970, 1, 1)).total_seconds())
                    for e in life.events)  # fmt: skip
    gaps = [b - a for a, b in pairwise(stamps)]
    burst = memory = None
    if len(gaps) >= 5:
        mean, sd = statistics.fmean(gaps), statistics.pstdev(gaps)
        burst = (sd - mean) / (sd + mean) if sd + mean else None
        memory = correlation(gaps[:-1], gaps[1:])
    whole = len(life.known_days) == len(life.days)
    weeks = len(life.known_days) // 7
    week = None
    if weeks > 1:
        week = spectrum(life.counts(life.known_days[-7 * weeks :]), [weeks, 2 * weeks, 3 * weeks])
    counts = life.counts(life.known_days)
    lagged = None
    if len(counts) > 14 and len(set(counts)) > 1:
        off = [x - statistics.fmean(counts) for x in counts]
        lagged = sum(a * b for a, b in zip(off[7:], off, strict=False)) / sum(x * x for x in off)
    hours = [cmath.exp(2j * math.pi * event["ts"].hour / 24) for event in life.events]
    spent = life.monthly("debit")
    steady = len(spent) >= 6 and sum(spent) > 0
    rise = slope(range(len(spent)), spent, 6)
    return {
        "event_burstiness": burst,
        "event_memory": memory,
        "week_energy": week,
        "month_energy": spectrum(life.counts(life.days), [12, 24, 36]) if whole else None,
        "week_autocorrelation": lagged,
        "hour_concentration": abs(sum(hours)) / len(hours) if hours else None,
        "spend_trend": rise / statistics.fmean(spent) if steady and rise is not None else None,
        "spend_trend_consistency": tau(spent) if steady else None,
    }


def economics(life: Life) -> Values:
    """Return the columns of `economics`."""
    spent, received = life.monthly("debit"), life.monthly("credit")
    food = life.monthly("debit", FOOD)
    both = [(math.log(r), math.log(s)) for r, s in zip(received, spent, strict=True) if r and s]
    shares = [(math.log(s), f / s) for s, f in zip(spent, food, strict=True) if s]
    out = sum(e["amount"] for e in life.events if e["direction"] == "debit")
    inn = sum(e["amount"] for e in life.events if e["direction"] == "credit")
    eaten = sum(
        e["amount"] for e in life.events if e["direction"] == "debit" and e["category"] in FOOD
    )
    by_category: dict[str, int] = defaultdict(int)
    for event in life.events:
        if event["direction"] == "debit" and event["category"] is not None:
            by_category[event["category"]] += event["amount"]

    known = sum(by_category.values())

    def variation(series: Sequence[int]) -> float | None:
        return statistics.pstdev(series) / statistics.fmean(series) if sum(series) else None

    smooth = None
    if len(spent) >= 6:
        above, below = variation(spent), variation(received)
        smooth = above / below if above is not None and below else None
    return {
        "consumption_propensity": slope(received, spent, 6),
        "income_elasticity": slope(*zip(*both, strict=True), 6) if both else None,
        "savings_ratio": (inn - out) / inn if inn else None,
        "consumption_smoothness": smooth,
        "engel_food_share": eaten / out if out else None,
        "engel_slope": slope(*zip(*shares, strict=True), 6) if shares else None,
        "spend_concentration": sum((x / known) ** 2 for x in by_category.values())
        if known
        else None,
    }


def multidisciplinary(life: Life) -> Values:
    """Return the columns of `multidisciplinary`."""
    counts = life.monthly(None)
    half = len(counts) // 2
    newer, older = sum(counts[len(counts) - half :]), sum(counts[len(counts) - 2 * half :][:half])
    backs = [(life.as_of - event["ts"].date()).days for event in life.events]
    ends = [shift(life.as_of, -back) for back in range(11, -1, -1)]
    used: dict[str, set[int]] = defaultdict(set)
    waves: dict[str, complex] = defaultdict(complex)
    for event, back in zip(life.events, backs, strict=True):
        if event["category"] is not None:
            used[event["category"]].add(ends.index(shift(event["ts"].date(), 0)))
            waves[event["category"]] += cmath.exp(2j * math.pi * (back % 7) / 7)
    risk = trials = left = 0
    for months in used.values():
        risk += sum(month < 11 for month in range(min(months), max(months) + 1))
        trials += min(months) > 12 - len(life.known_months)
        left += max(months) < 11
    slots = Counter((b % 7, e["ts"].hour // 4) for b, e in zip(backs, life.events, strict=True))
    number = len(life.events)
    entropy = -sum(n / number * math.log(n / number) for n in slots.values())
    merchants = [e["merchant"] for e in life.events if e["merchant"] is not None]
    seen: set[str] = set()
    again = 0
    for merchant in merchants:
        again += merchant in seen
        seen.add(merchant)
    sizes = [abs(wave) for wave in waves.values() if abs(wave) > 1e-9]
    own = sum(size**2 for size in sizes)
    return {
        "activity_decay_rate": math.log(older / newer) / half if older and newer else None,
        "residual_activity": sum(0.5 ** (back / 30) for back in backs),
        "category_trial_rate": trials / risk if risk else None,
        "category_abandonment_rate": left / risk if risk else None,
        "time_regularity": 1 - entropy / math.log(42) if number else None,
        "merchant_return_share": again / len(merchants) if merchants else None,
        "rhythm_interference": (abs(sum(waves.values())) ** 2 - own) / (sum(sizes) ** 2 - own)
        if len(sizes) > 1
        else None,
    }


def phase_transition(life: Life) -> Values:
    """Return the columns of `phase_transition`; lines and variances in exact fractions."""
    names = ("variance_rise", "autocorrelation_rise", "activity_skewness", "activity_bimodality")
    values: Values = dict.fromkeys(names)
    days = life.days[-364:]
    if len(life.known_days) >= 364:
        busy = [min(n, 1) for n in life.counts(days)]
        weeks = [Fraction(sum(busy[start : start + 7])) for start in range(0, 364, 7)]
        if any(weeks):
            values |= _rises(weeks)
        if len(set(weeks)) > 1:
            mean = sum(weeks) / 52
            second, third, fourth = (
                float(sum((w - mean) ** power for w in weeks) / 52) for power in (2, 3, 4)
            )
            g1, g2 = third / second**1.5, fourth / second**2 - 3
            skew = g1 * math.sqrt(52 * 51) / 50
            kurtosis = 51 / (50 * 49) * (53 * g2 + 6)
            values["activity_skewness"] = g1
            values["activity_bimodality"] = (skew**2 + 1) / (kurtosis + 3 * 51**2 / (50 * 49))
    return values | _change(life.monthly("debit"))


def _rises(series: Sequence[Fraction]) -> Values:
    times = [Fraction(t) for t in range(52)]
    middle, mean = sum(times) / 52, sum(series) / 52
    tilt = sum((t - middle) * (x - mean) for t, x in zip(times, series, strict=True)) / sum(
        (t - middle) ** 2 for t in times
    )
    rest = [x - mean - tilt * (t - middle) for t, x in zip(times, series, strict=True)]
    variances: list[Fraction] = []
    lags: list[Fraction] = []
    for start in range(27):
        window = rest[start : start + 26]
        off = [x - sum(window) / 26 for x in window]
        power = sum(x * x for x in off)
        variances.append(power)
        if power:
            lags.append(sum(a * b for a, b in pairwise(off)) / power)
    return {
        "variance_rise": tau(variances),
        "autocorrelation_rise": tau(lags) if len(lags) == len(variances) else None,
    }


def _change(spent: Sequence[int]) -> Values:
    names = ("spend_change_statistic", "months_since_spend_change", "spend_level_shift")
    if len(spent) < 6 or len(set(spent)) < 2:
        return dict.fromkeys(names)
    number, mean = len(spent), statistics.fmean(spent)
    walks = [abs(sum(x * number - sum(spent) for x in spent[:k])) for k in range(1, number)]
    cut = max(k for k in range(1, number) if walks[k - 1] == max(walks))
    before, after = statistics.fmean(spent[:cut]), statistics.fmean(spent[cut:])
    statistic = max(walks) / number / (statistics.pstdev(spent) * math.sqrt(number))
    assert mean > 0
    values = (statistic, number - cut, (after - before) / (after + before))
    return dict(zip(names, values, strict=True))
