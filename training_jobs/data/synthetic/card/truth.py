"""The card's pictures of what only the simulation knows: causes and spells."""

from collections import Counter
from collections.abc import Mapping

from training_jobs.data.synthetic.card.facts import Facts
from training_jobs.data.synthetic.card.spending import by_months, percent
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.products import CAUSES
from training_jobs.reporting.figures.axes import Axis, Series, line_chart
from training_jobs.reporting.figures.matrix import stacked
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html

CLOSING = "Closing, any group"


def causes(facts: Facts, names: Mapping[str, str]) -> Html:
    """Return the shares of the recorded causes, by what happened."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in [*names.values(), CLOSING]}
    for row in facts["product_events"]:
        happened = names[row["group"]] if row["event"] == "acquire" else CLOSING
        counts[happened][row["cause"]] += row["events"]
    rows = [
        (name, [found[cause] / (found.total() or 1) for cause in CAUSES])
        for name, found in counts.items()
    ]
    return figure(
        stacked(rows, CAUSES, title="causes of acquiring and closing"),
        "Recorded causes of every acquisition, by product group, and of every closing. Background "
        "is what would have happened without any mechanism; closings include products that mature.",
    )


def caused(facts: Facts) -> Html:
    """Return each mechanism's share of all caused events."""
    counts = Counter[str]()
    for row in facts["product_events"]:
        counts[row["cause"]] += row["events"]
    del counts["background"]
    whole = counts.total() or 1
    return figure(
        stacked(
            [("All caused events", [counts[m.name] / whole for m in MECHANISMS])],
            [m.name for m in MECHANISMS],
            title="mechanisms among caused events",
        ),
        "Each mechanism's share of all events that a mechanism caused; 10 to 20% are asked for.",
    )


def prevalence(facts: Facts) -> Html:
    """Return the share of customers with each mechanism on, by month."""
    series = [
        Series(
            mechanism.name,
            [
                (at, row[mechanism.name] / row["customers"])
                for at, row in enumerate(facts["hidden"])
            ],
            colour,
        )
        for colour, mechanism in enumerate(MECHANISMS)
    ]
    return figure(
        line_chart(
            series,
            by_months(facts),
            Axis("share of customers", low=0.0, shown=percent),
            title="mechanisms by month",
            references=(0.04, 0.06),
        ),
        "Share of customers with each mechanism on; 4 to 6% are asked for (dashed).",
    )


def dormant(facts: Facts) -> Html:
    """Return the share of dormant customers by month."""
    shares = [row["dormant"] / row["customers"] for row in facts["hidden"]]
    return figure(
        line_chart(
            [Series("", list(enumerate(shares)), 0)],
            by_months(facts),
            Axis("dormant customers", low=0.0, high=0.6, shown=percent),
            title="dormant customers by month",
            references=(0.4,),
        ),
        "Share of customers whose hidden engagement is dormant; 40% by default (dashed).",
    )
