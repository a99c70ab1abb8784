"""The card's pictures of spending: when, how much, on what, and by how many."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate

from training_jobs.data.synthetic.card.facts import BINS_A_DECADE, YEAR, Facts
from training_jobs.reporting.figures.axes import Axis, Series, columns, line_chart
from training_jobs.reporting.figures.matrix import matrix
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ACTIVITY = (0, 1, 6, 12, 24, 48, 72, 96, 144, 192, 288, 384)
"""Lower ends of the bins of card events in a year."""
EVERY = 4
"""Months between two that are named on an axis."""
NAMED = 12
"""Categories that are named."""
DENSE = 0.012
"""Share of the week's events in one hour of one weekday at which a cell is darkest."""


def percent(value: float) -> str:
    """Return a share as a tick shows it, without powers of ten however small it is."""
    digits = max(0, 2 - math.floor(math.log10(value * 100))) if value > 0 else 0
    shown = f"{value * 100:.{digits}f}"
    return f"{shown.rstrip('0').rstrip('.') if digits else shown}%"


def won(value: float) -> str:
    """Return won in the unit that suits them."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.10g}{unit}"
    return f"{value:.10g}"


def by_months(facts: Facts) -> Axis:
    """Return the axis of a chart over the months of the bank, counted from 0."""
    names = months_of(facts)
    return Axis("month", named=tuple((float(at), names[at]) for at in range(0, len(names), EVERY)))


def months_of(facts: Facts) -> list[str]:
    """Return the months of the bank, e.g. `2024-01`."""
    return [str(row["month"])[:7] for row in facts["months"]]


def week(facts: Facts) -> Html:
    """Return the share of card events in each hour of the week."""
    whole = sum(row["events"] for row in facts["week"]) or 1
    cells = {(row["weekday"], row["hour"]): row["events"] / whole for row in facts["week"]}
    rows = [
        (name, [100 * cells.get((day, hour), 0.0) for hour in range(24)])
        for day, name in enumerate(WEEKDAYS, 1)
    ]
    return figure(
        matrix(
            rows,
            [f"{hour:02d}" for hour in range(24)],
            full=100 * DENSE,
            shown=".1f",
            title="share of card events by weekday and hour",
        ),
        "Percent of card events by weekday and hour. A week has 168 cells: 0.6 is the average.",
    )


def days(facts: Facts) -> Html:
    """Return card events by day of the month."""
    whole = sum(row["events"] for row in facts["days"]) or 1
    return figure(
        columns(
            [str(row["day"]) for row in facts["days"]],
            [("", [row["events"] / whole for row in facts["days"]])],
            Axis("day of the month"),
            Axis("share of card events", shown=percent),
            title="card events by day of the month",
        ),
        "Card events by day of the month; not every month has a 29th, 30th and 31st.",
    )


def by_month(facts: Facts) -> tuple[Html, Html]:
    """Return card events a customer, and the mean amount, by month."""
    customers = {row["month"]: row["customers"] for row in facts["months"]}
    events: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for row in facts["channels"]:
        events[row["month"]] += row["events"]
        spent[row["month"]] += row["won"]
    names = months_of(facts)
    counts = [events[month] / customers[month] for month in customers]
    means = [spent[month] / max(events[month], 1) for month in customers]
    return (
        figure(
            columns(
                names,
                [("", counts)],
                Axis("month"),
                Axis("card events a customer"),
                title="card events a customer by month",
            ),
            "Card events a month and customer, dormant ones included: season and trend.",
        ),
        figure(
            columns(
                names,
                [("", means)],
                Axis("month"),
                Axis("mean card amount, won", shown=won),
                title="mean card amount by month",
            ),
            "Mean amount of a card event by month.",
        ),
    )


def channels(facts: Facts) -> Html:
    """Return the share of each channel in card events by month."""
    whole: Counter[str] = Counter()
    for row in facts["channels"]:
        whole[row["month"]] += row["events"]
    place = {month: at for at, month in enumerate(sorted(whole))}
    names = sorted({row["channel"] for row in facts["channels"]})
    series = [
        Series(
            name,
            [
                (place[row["month"]], row["events"] / whole[row["month"]])
                for row in facts["channels"]
                if row["channel"] == name
            ],
            at,
        )
        for at, name in enumerate(names)
    ]
    return figure(
        line_chart(
            series,
            by_months(facts),
            Axis("share of card events", low=0.0, shown=percent),
            title="channels of card events by month",
        ),
        "Channels of card events by month: what drifts here drifts for a model too.",
    )


def _tails(facts: Facts) -> Iterator[Series]:
    for colour, flow in enumerate(("card", "credits", "bills")):
        bins = {row["bin"]: row["events"] for row in facts["amounts"] if row["flow"] == flow}
        whole = sum(bins.values())
        above = accumulate(bins[at] for at in sorted(bins, reverse=True))
        points = [
            (10 ** (at / BINS_A_DECADE), count / whole)
            for at, count in zip(sorted(bins, reverse=True), above, strict=True)
        ]
        yield Series(flow, points, colour)


def amount_tail(facts: Facts) -> Html:
    """Return the share of amounts at least as large, on two logarithmic axes."""
    return figure(
        line_chart(
            list(_tails(facts)),
            Axis("amount, won", log=True, shown=won),
            Axis("share of events at least as large", log=True, shown=percent),
            title="tail of the amounts",
        ),
        "Tail of the amounts on logarithmic axes. A normal or exponential amount would fall like a "
        "cliff; a heavy tail falls like a slope.",
    )


def zipf(facts: Facts) -> Html:
    """Return the frequency of categories and merchants by rank, on two logarithmic axes."""
    series = []
    for colour, table in enumerate(("categories", "merchants")):
        whole = sum(row["events"] for row in facts[table]) or 1
        points = [(rank, row["events"] / whole) for rank, row in enumerate(facts[table], 1)]
        series.append(Series(table, points, colour))
    return figure(
        line_chart(
            series,
            Axis("rank", log=True),
            Axis("share of card events", log=True, shown=percent),
            title="frequency by rank",
        ),
        "Categories and merchants by rank on logarithmic axes: few are everywhere, most are rare.",
    )


def top_categories(facts: Facts, names: Mapping[str, str]) -> Html:
    """Return the most frequent categories by share of events and of money."""
    found = facts["categories"]
    events = sum(row["events"] for row in found) or 1
    spent = sum(row["won"] for row in found) or 1
    top = found[:NAMED]
    rows = [
        (names.get(row["name"], row["name"]), [row["events"] / events, row["won"] / spent])
        for row in top
    ]
    return figure(
        matrix(
            rows,
            ["of events", "of money"],
            full=0.12,
            shown=".1%",
            title="most frequent categories",
            width=92.0,
        ),
        f"The {len(top)} most frequent of {len(found)} categories of card spending.",
    )


def activity(facts: Facts) -> Html:
    """Return customers by card events in the last year."""
    whole = sum(row["customers"] for row in facts["activity"]) or 1
    bins: Counter[int] = Counter()
    for row in facts["activity"]:
        bins[max(low for low in ACTIVITY if low <= row["events"])] += row["customers"]
    names = [
        "0" if low == 0 else f"{low}-{high - 1}" if high else f"{low}+"
        for low, high in zip(ACTIVITY, [*ACTIVITY[1:], 0], strict=True)
    ]
    quiet = sum(count for low, count in bins.items() if low < YEAR) / whole
    return figure(
        columns(
            names,
            [("", [bins[low] / whole for low in ACTIVITY])],
            Axis("card events in the last year"),
            Axis("share of customers", shown=percent),
            title="customers by card events in a year",
        ),
        f"Customers who were there all year by their card events in it. {quiet:.1%} had fewer than "
        "one a month: the dormant mass.",
    )
