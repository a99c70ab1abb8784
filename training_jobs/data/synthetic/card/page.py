"""The card as one self-contained page."""

from collections.abc import Mapping
from typing import Any

from configs.settings.dataset import Catalogue
from training_jobs.data.synthetic.card import customers, spending, truth
from training_jobs.data.synthetic.card.facts import Facts
from training_jobs.reporting.markup import Child, Html, el, facts, join, paragraph
from training_jobs.reporting.page import POLICY
from training_jobs.reporting.style import STYLE

COLOURS = (
    "#174e85", "#c2571a", "#4a7a35", "#7a5aa6", "#b58900", "#2a8f8f", "#a3305f", "#7b838d",
)  # fmt: skip
CARD_STYLE = (
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(520px,100%),1fr));"
    "gap:8px 30px;align-items:start}"
    ".wide{overflow-x:auto}"
    ".run{fill:none;stroke-width:1.9;stroke-linejoin:round}"
    "text.value{font-size:10.5px}text.value.on-light{fill:var(--ink)}"
    "text.on-dark{fill:#fff}"
    + "".join(
        f".fill.t{at}{{fill:{colour}}}.run.t{at}{{stroke:{colour}}}"
        for at, colour in enumerate(COLOURS)
    )
)


def _section(anchor: str, title: str, *content: Child) -> Html:
    return el("section", el("h2", title), *content, id=anchor)


def _pair(*figures: Html) -> Html:
    return el("div", figures, class_="pair")


def _wide(content: Html) -> Html:
    return el("div", content, class_="wide")


def _size(found: Facts, origin: Mapping[str, Any]) -> Html:
    size = found["size"]
    return facts(
        [
            ("Customers", f"{size['rows']['customers']:,} of {origin['customers']:,} numbers"),
            ("Months", f"{size['first'][:7]} to {size['last'][:7]}"),
            ("Seed", str(origin["seed"])),
            *((table, f"{rows:,} rows") for table, rows in size["rows"].items()),
            ("product events with their cause", f"{size['events']:,}"),
        ]
    )


def page(
    found: Facts, *, origin: Mapping[str, Any], catalogue: Catalogue, categories: Mapping[str, str]
) -> str:
    """Return the card.

    Args:
        found: what was counted.
        origin: customers, months and seed of the bank.
        catalogue: its products.
        categories: category code -> English name.
    """
    groups = {group.group: group.names.en for group in catalogue.groups}
    title = f"Data card: synthetic bank of {origin['customers']:,} customers"
    sections = [
        _section(
            "bank",
            "The bank",
            _size(found, origin),
            paragraph(
                "A causal simulation in time. Nothing here is anybody's data. Wins on its planted "
                "mechanisms show that the machinery works, not what a real bank would gain."
            ),
        ),
        _section(
            "spending",
            "Spending",
            _wide(spending.week(found)),
            _pair(spending.days(found), spending.activity(found)),
            _pair(spending.amount_tail(found), spending.zipf(found)),
            _pair(*spending.by_month(found)),
            _pair(spending.top_categories(found, categories), spending.channels(found)),
        ),
        _section(
            "products",
            "Products",
            _pair(
                customers.holders(found, catalogue),
                el(
                    "div",
                    customers.rates(found, "acquire", groups),
                    customers.rates(found, "close", groups),
                    customers.products_held(found),
                ),
            ),
            _wide(customers.co_holding(found, catalogue)),
        ),
        _section(
            "customers",
            "Customers",
            _pair(customers.ages(found), customers.regions(found)),
            _pair(customers.incomes(found), customers.joined(found)),
            _pair(customers.transitions(found), customers.segments(found)),
        ),
        _section(
            "truth",
            "What only the simulation knows",
            paragraph("Counted over the ground truth, which no job can read."),
            _wide(truth.causes(found, groups)),
            _wide(truth.caused(found)),
            _pair(truth.prevalence(found), truth.dormant(found)),
        ),
    ]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        Html(f"<style>{STYLE}{CARD_STYLE}</style>"),
    )
    brand = el("p", "SevenLens", class_="brand")
    body = el("body", el("header", brand, el("h1", title)), el("main", sections))
    return join([Html("<!DOCTYPE html>\n"), el("html", head, body, lang="en"), Html("\n")])
