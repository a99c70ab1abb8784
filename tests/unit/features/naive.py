"""What features mean, in plain Python over one customer's events: the oracle of the SQL."""

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from configs.settings.months import shift

Event = dict[str, Any]
Values = dict[str, float | None]


def same(names: Sequence[str], values: np.ndarray, expected: Sequence[Values]) -> None:
    """Compare with the oracle, None = missing; name the first column that differs."""
    assert set(expected[0]) == set(names)
    for row, wanted in enumerate(expected):
        for place, name in enumerate(names):
            want = wanted[name]
            got = float(values[row, place])
            if want is None:
                assert math.isnan(got), f"{name} of customer {row}: {got} instead of nothing"
            else:
                assert got == pytest.approx(float(want), rel=2e-6, abs=1e-7), (
                    f"{name} of customer {row}: {got} instead of {want}"
                )


def inside(events: Sequence[Event], as_of: dt.date) -> list[Event]:
    """Return the events of the twelve months that end with the whole day of `as_of`."""
    return [event for event in events if shift(as_of, -12) < event["ts"].date() <= as_of]


def rolling(events: Sequence[Event], as_of: dt.date) -> Values:
    """Return the rolling statistics of spending over 7, 30, 90 and 180 days."""
    row: Values = {}
    for days in (7, 30, 90, 180):
        spent = [
            event
            for event in inside(events, as_of)
            if event["direction"] == "debit"
            and event["ts"].date() > as_of - dt.timedelta(days=days)
        ]
        amounts = [event["amount"] for event in spent]
        row[f"spend_sum_{days}d"] = sum(amounts)
        row[f"spend_mean_{days}d"] = sum(amounts) / len(amounts) if amounts else None
        row[f"spend_sd_{days}d"] = statistics.stdev(amounts) if len(amounts) > 1 else None
        row[f"spend_count_{days}d"] = len(amounts)
        row[f"spend_days_{days}d"] = len({event["ts"].date() for event in spent})
    return row


def behaviour(customer: Event, events: Sequence[Event], as_of: dt.date) -> Values:
    """Return the fourteen columns of behaviour; `customer` has `joined_on`."""
    events = inside(events, as_of)
    debits = [event for event in events if event["direction"] == "debit"]
    count = len(events)
    joined = customer["joined_on"] or dt.date(1900, 1, 1)
    # Some transact before the day on which they are said to have joined.
    since = min([joined, *(event["ts"].date() for event in events)])
    tenure = (as_of.year - since.year) * 12 + as_of.month - since.month + 1
    window = [shift(as_of, -back) for back in range(min(12, tenure))]
    monthly = [
        sum(e["amount"] for e in debits if shift(e["ts"].date(), 0) == month) for month in window
    ]

    def share(hours: set[int]) -> float | None:
        return sum(e["ts"].hour in hours for e in events) / count if count else None

    return {
        "txn_count": count,
        "spend_total": sum(e["amount"] for e in debits),
        "credit_total": sum(e["amount"] for e in events if e["direction"] == "credit"),
        "spend_mean": statistics.mean(e["amount"] for e in debits) if debits else None,
        "unique_categories": len({e["category"] for e in events}),
        "unique_merchants": len({e["merchant"] for e in events} - {None}),
        "unique_channels": len({e["channel"] for e in events} - {None}),
        "night_share": share({22, 23, 0, 1, 2, 3, 4, 5}),
        "morning_share": share(set(range(6, 12))),
        "afternoon_share": share(set(range(12, 18))),
        "weekend_share": sum(e["ts"].weekday() >= 5 for e in events) / count if count else None,
        "recency_days": min((as_of - e["ts"].date()).days for e in events) if count else None,
        "active_day_share": len({e["ts"].date() for e in events})
        / (as_of - shift(as_of, -12)).days,
        "spend_variation": statistics.pstdev(monthly) / statistics.mean(monthly)
        if debits
        else None,
    }


def newest_first(events: Sequence[Event], as_of: dt.date) -> list[Event]:
    """Return the events inside the look-back, newest first, in any order at equal stamps."""
    return sorted(inside(events, as_of), key=lambda event: event["ts"], reverse=True)
