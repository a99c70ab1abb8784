"""The card's pictures of customers and of the products that they hold, acquire and close."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise

from configs.settings.dataset import Catalogue
from training_jobs.data.synthetic.card.facts import Facts
from training_jobs.data.synthetic.card.spending import by_months, months_of, percent
from training_jobs.data.synthetic.situations import SEGMENTS
from training_jobs.reporting.figures.axes import Axis, Series, columns, line_chart
from training_jobs.reporting.figures.matrix import matrix
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html

INCOME_BIN = 5
"""Million won a year in a bin of incomes."""
INCOME_BINS = 24


def rates(facts: Facts, event: str, names: Mapping[str, str]) -> Html:
    """Return the monthly rate of acquiring (a customer) or closing (a held product) by group."""
    months = [str(row["month"]) for row in facts["months"]]
    acquiring = event == "acquire"
    per: dict[tuple[str, str], float] = {}
    if acquiring:
        per = {
            (row["month"], group): row["customers"] for row in facts["months"] for group in names
        }
    else:
        # What was held at the end of the month before could be closed.
        held = {(row["month"], row["group"]): row["held"] for row in facts["held"]}
        for before, month in pairwise(months):
            per |= {(month, group): held.get((before, group), 0) for group in names}
    counts: Counter[tuple[str, str]] = Counter()
    for row in facts["product_events"]:
        if row["event"] == event:
            counts[row["month"], row["group"]] += row["events"]
    series = [
        Series(
            names[group],
            [
                (at, counts[month, group] / per[month, group])
                for at, month in enumerate(months)
                if per.get((month, group))
            ],
            colour,
        )
        for colour, group in enumerate(names)
    ]
    what = "acquisitions a customer" if acquiring else "closings a held product"
    return figure(
        line_chart(
            series,
            by_months(facts),
            Axis(f"{what} and month", low=0.0, shown=percent),
            title=f"{what} by month and group",
        ),
        f"{what.capitalize()} and month, by product group; one a group and month at most."
        if acquiring
        else "Closings of products, over what was held at the end of the month before.",
    )


def co_holding(facts: Facts, catalogue: Catalogue) -> Html:
    """Return the share of a product's holders who hold each other product too."""
    both = {(row["one"], row["other"]): row["customers"] for row in facts["co_holding"]}
    codes = [product.product for product in catalogue.products]
    rows = []
    for product in catalogue.products:
        one = product.product
        own = both.get((one, one), 0)
        rows.append(
            (
                product.names.en,
                [
                    None if other == one or not own else 100 * both.get((one, other), 0) / own
                    for other in codes
                ],
            )
        )
    return figure(
        matrix(
            rows,
            [product.names.en for product in catalogue.products],
            full=100.0,
            shown=".0f",
            title="co-holding of products",
        ),
        "Of the holders of the product at the left, percent who hold the product above as well, in "
        "the last month. Products that only the young or the rich may hold stand out.",
    )


def holders(facts: Facts, catalogue: Catalogue) -> Html:
    """Return the share of customers who hold each product in the last month."""
    both = {(row["one"], row["other"]): row["customers"] for row in facts["co_holding"]}
    customers = facts["months"][-1]["customers"]
    ranked = sorted(
        ((both.get((p.product, p.product), 0) / customers, p) for p in catalogue.products),
        key=lambda row: (-row[0], row[1].product),
    )
    rows = [(p.names.en, [share]) for share, p in ranked]
    return figure(
        matrix(rows, ["of customers"], full=0.8, shown=".1%", title="holders", width=92.0),
        "Share of customers who hold each product in the last month.",
    )


def ages(facts: Facts) -> Html:
    """Return customers by age and gender."""
    whole = sum(row["customers"] for row in facts["people"]["ages"]) or 1
    cells = {(row["age"], row["gender"]): row["customers"] for row in facts["people"]["ages"]}
    bands = sorted({age for age, _ in cells})
    genders = sorted({gender for _, gender in cells})
    return figure(
        columns(
            [f"{age}-{age + 4}" for age in bands],
            [
                (gender, [cells.get((age, gender), 0) / whole for age in bands])
                for gender in genders
            ],
            Axis("age in the last month"),
            Axis("share of customers", shown=percent),
            title="customers by age and gender",
        ),
        "Customers by age and gender.",
    )


def regions(facts: Facts) -> Html:
    """Return customers by region."""
    found = facts["people"]["regions"]
    whole = sum(row["customers"] for row in found) or 1
    return figure(
        columns(
            [row["region"] for row in found],
            [("", [row["customers"] / whole for row in found])],
            Axis("region, largest first"),
            Axis("share of customers", shown=percent),
            title="customers by region",
        ),
        "Customers by region of residence; every other name is left out where there is no room.",
    )


def incomes(facts: Facts) -> Html:
    """Return the distribution of recorded incomes within each segment."""
    bins: dict[str, Counter[int]] = defaultdict(Counter)
    for row in facts["people"]["incomes"]:
        bins[row["segment"]][min(row["bin"], INCOME_BINS)] += row["customers"]
    series = [
        Series(
            segment,
            [
                (INCOME_BIN * (at + 0.5), bins[segment][at] / max(bins[segment].total(), 1))
                for at in range(INCOME_BINS + 1)
            ],
            colour,
        )
        for colour, segment in enumerate(SEGMENTS)
    ]
    return figure(
        line_chart(
            series,
            Axis("recorded income, million won a year"),
            Axis("share of the segment", low=0.0, shown=percent),
            title="income by segment",
        ),
        "Recorded yearly income within each segment; the last point holds all above it.",
    )


def joined(facts: Facts) -> Html:
    """Return customers by year of joining."""
    found = facts["people"]["joined"]
    whole = sum(row["customers"] for row in found) or 1
    return figure(
        columns(
            [str(row["year"]) for row in found],
            [("", [row["customers"] / whole for row in found])],
            Axis("year of joining"),
            Axis("share of customers", shown=percent),
            title="customers by year of joining",
        ),
        "Customers by the year in which they joined.",
    )


def transitions(facts: Facts) -> Html:
    """Return where customers of a segment are three months later."""
    counts = {(row["before"], row["after"]): row["customers"] for row in facts["transitions"]}
    rows = []
    for before in SEGMENTS:
        whole = sum(counts.get((before, after), 0) for after in SEGMENTS) or 1
        rows.append((before, [counts.get((before, after), 0) / whole for after in SEGMENTS]))
    return figure(
        matrix(rows, SEGMENTS, full=1.0, shown=".1%", title="segments three months on", width=92.0),
        "Of the customers in the segment at the left, share in the one above three months later.",
    )


def segments(facts: Facts) -> Html:
    """Return the share of each segment by month, and of customers who spent."""
    series = [
        Series(
            name, [(at, row[key] / row["customers"]) for at, row in enumerate(facts["months"])], c
        )
        for c, (name, key) in enumerate(
            [*((segment, segment) for segment in SEGMENTS), ("spent in the month", "active")]
        )
    ]
    return figure(
        line_chart(
            series,
            by_months(facts),
            Axis("share of customers", low=0.0, shown=percent),
            title="segments and activity by month",
        ),
        "Segments and activity by month.",
    )


def products_held(facts: Facts) -> Html:
    """Return products a customer by month."""
    means = [row["products"] / row["customers"] for row in facts["months"]]
    room = 0.15 * (max(means) - min(means)) or 0.1
    low = math.floor(10 * (min(means) - room)) / 10
    return figure(
        line_chart(
            [Series("", list(enumerate(means)), 0)],
            by_months(facts),
            Axis("products a customer", low=low),
            title="products a customer by month",
        ),
        f"Products a customer from {months_of(facts)[0]} on; the axis does not begin at 0.",
    )
