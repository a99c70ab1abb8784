"""What the card shows, counted: sums of whole numbers, so that it is the same on every machine."""

from typing import Any

from training_jobs.data.synthetic.card.source import Rows, Source
from training_jobs.data.synthetic.mechanisms import MECHANISMS

Facts = dict[str, Any]
CARD = "direction = 'debit' AND merchant IS NOT NULL"
"""Card events: what a customer buys, without transfers and bills."""
BINS_A_DECADE = 10
"""Bins of an amount's logarithm in a factor of ten."""
YEAR = 12
QUARTER = 3


def size(source: Source) -> Facts:
    """Return rows by table, and the first and last month."""
    tables = ("customers", "customer_months", "holdings", "transactions")
    return {
        "rows": {table: source.one(f"SELECT count(*) FROM {table}") for table in tables},
        "events": source.one("SELECT count(*) FROM causes"),
        "first": source.one("SELECT CAST(min(month) AS VARCHAR) FROM latent"),
        "last": source.one("SELECT CAST(max(month) AS VARCHAR) FROM latent"),
    }


def card_events(source: Source, *keys: str) -> Rows:
    """Return card events and won by parts of their time and, where named, their channel.

    Args:
        source: the bank.
        keys: of `weekday` (1 = Monday), `hour`, `day` (of the month), `month`, `channel`.
    """
    parts = {
        "weekday": "isodow(ts)",
        "hour": "hour(ts)",
        "day": "day(ts)",
        "month": "CAST(last_day(ts) AS VARCHAR)",
        "channel": "channel",
    }
    named = ", ".join(f"{parts[key]} AS {key}" for key in keys)
    return source.rows(
        f"SELECT {named}, count(*) AS events, CAST(sum(amount) AS BIGINT) AS won "
        f"FROM transactions WHERE {CARD} GROUP BY ALL ORDER BY ALL"
    )


def amounts(source: Source) -> Rows:
    """Return events by kind of flow and bin of the amount's logarithm."""
    return source.rows(
        "SELECT CASE WHEN direction = 'credit' THEN 'credits' WHEN merchant IS NULL THEN 'bills' "
        f"ELSE 'card' END AS flow, CAST(floor({BINS_A_DECADE} * log10(amount)) AS INT) AS bin, "
        "count(*) AS events FROM transactions GROUP BY ALL ORDER BY ALL"
    )


def popularity(source: Source, column: str) -> Rows:
    """Return card events and won by category or merchant, most frequent first."""
    return source.rows(
        f"SELECT {column} AS name, count(*) AS events, CAST(sum(amount) AS BIGINT) AS won "
        f"FROM transactions WHERE {CARD} GROUP BY ALL ORDER BY events DESC, name"
    )


def activity(source: Source) -> Rows:
    """Return customers of all of the last year by their card events in it, 0 included."""
    since = f"(SELECT max(month) - INTERVAL {YEAR} MONTH FROM latent)"
    return source.rows(
        "WITH there AS (SELECT customer_id FROM customer_months "
        f"WHERE month > {since} GROUP BY customer_id HAVING count(*) = {YEAR}), "
        "spent AS (SELECT customer_id, count(*) AS n FROM transactions "
        f"WHERE {CARD} AND ts >= {since} + INTERVAL 1 DAY GROUP BY customer_id) "
        "SELECT coalesce(n, 0) AS events, count(*) AS customers "
        "FROM there LEFT JOIN spent USING (customer_id) GROUP BY ALL ORDER BY ALL"
    )


def months(source: Source) -> Rows:
    """Return by month: customers, those who spent, customers by segment, products held."""
    segments = ("basic", "standard", "premium", "private")
    counted = ", ".join(f"count(*) FILTER (segment = '{s}') AS {s}" for s in segments)
    return source.rows(
        f"WITH held AS (SELECT month, count(*) AS products FROM holdings GROUP BY month) "
        "SELECT CAST(month AS VARCHAR) AS month, count(*) AS customers, "
        f"count(*) FILTER (active) AS active, {counted}, any_value(products) AS products "
        "FROM customer_months JOIN held USING (month) GROUP BY ALL ORDER BY ALL"
    )


def held_before(source: Source) -> Rows:
    """Return products held by month and group: what can be closed in the next month."""
    return source.rows(
        'SELECT CAST(month AS VARCHAR) AS month, "group", count(*) AS held '
        "FROM holdings JOIN products USING (product) GROUP BY ALL ORDER BY ALL"
    )


def product_events(source: Source) -> Rows:
    """Return acquisitions and closings by month, product group and recorded cause."""
    return source.rows(
        'SELECT CAST(month AS VARCHAR) AS month, event, "group", cause, count(*) AS events '
        "FROM causes JOIN products USING (product) GROUP BY ALL ORDER BY ALL"
    )


def co_holding(source: Source) -> Rows:
    """Return customers who hold both of two products in the last month; a product with itself."""
    return source.rows(
        "WITH held AS (SELECT customer_id, product FROM holdings "
        "WHERE month = (SELECT max(month) FROM latent)) "
        "SELECT a.product AS one, b.product AS other, count(*) AS customers "
        "FROM held AS a JOIN held AS b USING (customer_id) GROUP BY ALL ORDER BY ALL"
    )


def people(source: Source) -> Facts:
    """Return demographics of the last month: age by gender, region, income by segment, joining."""
    at = (
        "FROM customers JOIN customer_months USING (customer_id) "
        "WHERE month = (SELECT max(month) FROM latent)"
    )
    return {
        "ages": source.rows(
            "SELECT 5 * ((year(month) - birth_year) // 5) AS age, "
            f"coalesce(gender, 'not recorded') AS gender, count(*) AS customers {at} "
            "GROUP BY ALL ORDER BY ALL"
        ),
        "regions": source.rows(
            f"SELECT region, count(*) AS customers {at} "
            "GROUP BY ALL ORDER BY customers DESC, region"
        ),
        "incomes": source.rows(
            f"SELECT segment, CAST(income // 5000000 AS INT) AS bin, count(*) AS customers {at} "
            "AND income IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ),
        "joined": source.rows(
            "SELECT year(joined_on) AS year, count(*) AS customers FROM customers "
            "GROUP BY ALL ORDER BY ALL"
        ),
    }


def transitions(source: Source) -> Rows:
    """Return customers by segment at a month end and three months later, all quarters together."""
    return source.rows(
        "SELECT a.segment AS before, b.segment AS after, count(*) AS customers "
        "FROM customer_months AS a JOIN customer_months AS b "
        "ON b.customer_id = a.customer_id "
        f"AND b.month = last_day(CAST(a.month + INTERVAL {QUARTER} MONTH AS DATE)) "
        f"WHERE month(a.month) % {QUARTER} = 0 GROUP BY ALL ORDER BY ALL"
    )


def hidden(source: Source) -> Rows:
    """Return by month: customers of the ground truth with each mechanism on, and dormant ones."""
    on = ", ".join(f"count(*) FILTER (on_{m.name}) AS {m.name}" for m in MECHANISMS)
    return source.rows(
        "SELECT CAST(month AS VARCHAR) AS month, count(*) AS customers, "
        f"count(*) FILTER (engagement = 0) AS dormant, {on} "
        "FROM latent GROUP BY ALL ORDER BY ALL"
    )


def count_all(source: Source) -> Facts:
    """Return everything the card shows, as one JSON value."""
    return {
        "size": size(source),
        "week": card_events(source, "weekday", "hour"),
        "days": card_events(source, "day"),
        "channels": card_events(source, "month", "channel"),
        "amounts": amounts(source),
        "categories": popularity(source, "category"),
        "merchants": popularity(source, "merchant"),
        "activity": activity(source),
        "months": months(source),
        "held": held_before(source),
        "product_events": product_events(source),
        "co_holding": co_holding(source),
        "people": people(source),
        "transitions": transitions(source),
        "hidden": hidden(source),
    }
