"""Monthly series, aggregates and trials against a naive reading of the raw rows."""

import datetime as dt
import math
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from configs.settings.generators.latent import Aggregates, Bandit
from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from training_jobs.features.latent.aggregates import aggregates
from training_jobs.features.latent.monthly import consumption, monthly
from training_jobs.features.latent.trials import trials

AS_OFS = [bank.CUTOFF, dt.date(2024, 2, 29)]
REMOTE = ("web",)
NAN = math.nan


def month_ends(as_of: dt.date) -> list[dt.date]:
    """Return the month ends of the look-back, oldest first."""
    return [shift(as_of, -back) for back in range(11, -1, -1)]


def events_of(customer: str, as_of: dt.date) -> list[bank.Row]:
    """Return the customer's transactions inside the look-back."""
    return [
        row
        for row in bank.standard().transactions
        if row["customer_id"] == customer and shift(as_of, -12) < row["ts"].date() <= as_of
    ]


def records_of(table: str, customer: str) -> list[bank.Row]:
    """Return the customer's monthly rows."""
    return [row for row in bank.standard().of(table) if row["customer_id"] == customer]


def observed_months(customer: str, as_of: dt.date) -> list[bool]:
    """Return whether the bank has a record of each month; everyone here has monthly rows."""
    recorded = {row["month"] for row in records_of("customer_months", customer)}
    return [month in recorded for month in month_ends(as_of)]


def months_between(later: dt.date, earlier: dt.date) -> int:
    """Return calendar months from one date to another."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def series_of(customer: bank.Row, as_of: dt.date) -> dict[str, list[float]]:
    """Return every series by its definition."""
    name = customer["customer_id"]
    events, found = events_of(name, as_of), defaultdict(list)
    records = {row["month"]: row for row in records_of("customer_months", name)}
    since_event = NAN
    for month in month_ends(as_of):
        here = [e for e in events if (e["ts"].year, e["ts"].month) == (month.year, month.month)]
        debits = [e for e in here if e["direction"] == "debit"]
        spend = sum(e["amount"] for e in debits)
        credits = sum(e["amount"] for e in here if e["direction"] == "credit")
        record = records.get(month, {"income": None, "active": None})
        since_event = 0 if here else since_event + 1
        joined = customer["joined_on"]
        for key, value in {
            "products_held": sum(r["month"] == month for r in records_of("holdings", name)),
            "active": record["active"],
            "events": len(here),
            "idle_months": since_event,
            "credits": credits,
            "credit_balance": (credits - spend) / (credits + spend) if here else None,
            "recorded_income": record["income"],
            "tenure": None if joined is None else max(0, months_between(month, joined)),
            "spend": spend,
            "payments": len(debits),
            "categories": len({e["category"] for e in debits}),
            "remote_share": sum(e["channel"] in REMOTE for e in debits) / len(debits)
            if len(debits) >= 2
            else None,
        }.items():
            found[key].append(NAN if value is None else float(value))
    return found


@pytest.mark.parametrize("as_of", AS_OFS)
def test_monthly_series(tables: Path, as_of: dt.date) -> None:
    with bank.view_of(tables, as_of) as view:
        months = monthly(view, bank.bank_facts(), remote_channels=REMOTE, share_payments=2)
    for row, customer in enumerate(bank.standard().customers):
        assert list(months.observed[:, row]) == observed_months(customer["customer_id"], as_of)
        expected = series_of(customer, as_of)
        assert set(expected) == set(months.series)
        for name, values in expected.items():
            got = months.series[name][:, row]
            assert got == pytest.approx(values, rel=1e-12, nan_ok=True), (name, row)


def test_without_monthly_records_a_customer_is_observed_from_the_first_trace_on(
    tmp_path: Path,
) -> None:
    rows = bank.Rows(
        customers=bank.standard().customers[:3],
        transactions=[bank.transaction("C001", dt.datetime(2023, 9, 3, 8), 100)],
        holdings=[{"customer_id": "C002", "month": dt.date(2023, 11, 30), "product": "cco"}],
    )
    folder = bank.write_tables(tmp_path, rows, shards=2)
    with bank.view_of(folder, bank.CUTOFF, ["C000", "C001", "C002"]) as view:
        observed = monthly(view, bank.bank_facts(), remote_channels=()).observed
    assert list(observed.sum(axis=0)) == [0, 5, 3]
    assert observed[-3:, 1:].all()


AGGREGATES = Aggregates(
    names=(
        "spend",
        "credits",
        "events",
        "mean_payment",
        "products_held",
        "categories",
        "active_month_share",
        "recent_share",
        "spend_variation",
        "credit_balance",
        "night_share",
        "weekend_share",
        "remote_share",
        "recorded_income",
        "tenure",
    ),
    least=3,
    limit=3,
    night=(22, 6),
    recent_months=3,
    remote_channels=REMOTE,
)


def numbers_of(customer: bank.Row, as_of: dt.date) -> dict[str, float]:
    """Return every aggregate by its definition."""
    name = customer["customer_id"]
    events = events_of(name, as_of)
    debits = [e for e in events if e["direction"] == "debit"]
    spend = sum(e["amount"] for e in debits)
    credits = sum(e["amount"] for e in events if e["direction"] == "credit")
    series = series_of(customer, as_of)
    seen = observed_months(name, as_of)
    months = sum(seen)
    spent = [value for value, there in zip(series["spend"], seen) if there]
    counts = [value for value, there in zip(series["events"], seen) if there]
    incomes = [value for value in series["recorded_income"] if not math.isnan(value)]

    def share(part: float, whole: float) -> float:
        return part / whole if whole else NAN

    return {
        "spend": spend / months,
        "credits": credits / months,
        "events": len(events) / months,
        "mean_payment": share(spend, len(debits)),
        "products_held": series["products_held"][-1],
        "categories": len({e["category"] for e in debits}),
        "active_month_share": sum(count > 0 for count in counts) / months,
        "recent_share": share(sum(series["events"][-3:]), len(events)),
        "spend_variation": share(statistics.pstdev(spent), statistics.mean(spent)),
        "credit_balance": share(credits - spend, credits + spend),
        "night_share": share(sum(not 6 <= e["ts"].hour < 22 for e in events), len(events)),
        "weekend_share": share(sum(e["ts"].weekday() >= 5 for e in events), len(events)),
        "remote_share": share(sum(e["channel"] in REMOTE for e in debits), len(debits)),
        "recorded_income": incomes[-1] if incomes else NAN,
        "tenure": series["tenure"][-1],
    }


@pytest.mark.parametrize("as_of", AS_OFS)
def test_aggregates(tables: Path, as_of: dt.date) -> None:
    with bank.view_of(tables, as_of) as view:
        numbers = aggregates(view, bank.bank_facts(), AGGREGATES)
    assert numbers.known.all()
    for row, customer in enumerate(bank.standard().customers):
        for name, value in numbers_of(customer, as_of).items():
            got = numbers.values[name][row]
            assert got == pytest.approx(value, rel=1e-9, nan_ok=True), (name, row)


BANDIT = Bandit(settle_days=60, reward_days=45, prior_successes=1, prior_failures=2, upper=0.9)


def trials_of(customer: str, as_of: dt.date) -> tuple[int, int]:
    """Return trials and successes by the definition, event by event."""
    debits = sorted(
        (e["ts"].date(), e["category"])
        for e in events_of(customer, as_of)
        if e["direction"] == "debit"
    )
    tried = succeeded = 0
    known: set[str] = set()
    for day, category in debits:
        if category in known:
            continue
        known.add(category)
        if (day - debits[0][0]).days <= 60 or (as_of - day).days < 45:
            continue
        tried += 1
        succeeded += any(
            other == category and 0 < (later - day).days <= 45 for later, other in debits
        )
    return tried, succeeded


@pytest.mark.parametrize("as_of", AS_OFS)
def test_trials_of_new_categories(tables: Path, as_of: dt.date) -> None:
    with bank.view_of(tables, as_of) as view:
        chosen = consumption(view.events, bank.bank_facts())
        tried, succeeded, known = trials(view.events, chosen, BANDIT)
    expected = [trials_of(row["customer_id"], as_of) for row in bank.standard().customers]
    assert list(zip(tried, succeeded, strict=True)) == expected
    assert 0 < sum(successes for _, successes in expected) < sum(t for t, _ in expected)
    spenders = {row["customer_id"] for row in bank.standard().transactions}
    quiet = [row["customer_id"] not in spenders for row in bank.standard().customers]
    assert list(~known) == quiet
    assert any(quiet)


def test_twice_on_one_day_is_no_return_and_the_edges_of_the_windows_hold(tmp_path: Path) -> None:
    """One category a case, all after a first event of another category long before."""
    as_of, codes = bank.CUTOFF, bank.CATEGORIES
    midnight = dt.datetime.combine(as_of, dt.time())

    def at(days_ago: int, code: str, hour: int = 9) -> bank.Row:
        moment = midnight - dt.timedelta(days=days_ago) + dt.timedelta(hours=hour)
        return bank.transaction("C000", moment, 10, category=code)

    start = 300
    rows = bank.Rows(
        customers=bank.standard().customers[:1],
        transactions=[
            at(start, codes[0]),
            at(start - 60, codes[1]),  # still settling
            at(start - 61, codes[2]),  # the first day after it: a trial that fails
            at(100, codes[3], 8),
            at(100, codes[3], 23),  # the same day: fails
            at(90, codes[4]),
            at(45, codes[4]),  # the last day that counts: succeeds
            at(80, codes[5]),
            at(34, codes[5]),  # one day too late: fails
            at(45, codes[6]),  # outcome just known: fails
            at(44, codes[7]),  # outcome not known yet
        ],
    )
    folder = bank.write_tables(tmp_path, rows, shards=2)
    with bank.view_of(folder, as_of, ["C000"]) as view:
        chosen = consumption(view.events, bank.bank_facts())
        tried, succeeded, _ = trials(view.events, chosen, BANDIT)
    assert (tried[0], succeeded[0]) == (5, 1)
