"""One block of customers, simulated month by month into tables and ground truth."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from configs.settings.dataset import Catalogue
from configs.settings.months import month_end, parse_month, shift
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.couplings_table import couple
from training_jobs.data.synthetic.events import EVENT_CHANNELS, MonthEvents, month_events
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.merchants import Market, open_market
from training_jobs.data.synthetic.population import CHANNELS, REGIONS, populate
from training_jobs.data.synthetic.products import (
    CAUSES,
    ProductEvents,
    initial_holdings,
)
from training_jobs.data.synthetic.random import Draws, Stream
from training_jobs.data.synthetic.situations import (
    SEGMENTS,
    declared_income,
    initial_engagement,
    lifecycle_of,
    review_segment,
)
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.stepping import advance
from training_jobs.data.synthetic.swing import initial_swing

DATA_TABLES = ("customers", "customer_months", "holdings", "transactions")
TRUTH_TABLES = ("causes", "latent")
_GENDERS = np.array(["F", "M", None], object)


@dataclass(frozen=True)
class Block:
    """Tables of one block: what the bank knows, and what only the simulation knows."""

    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]


def names_of(ids: np.ndarray) -> np.ndarray:
    """Return customer ids as text, e.g. `C0000017`."""
    return np.char.add("C", np.char.zfill(ids.astype(str), 7))


def begin(
    settings: BankSettings,
    catalogue: Catalogue,
    draws: Draws,
    *,
    start: int,
    stop: int,
    months: int,
) -> State:
    """Return the state of customers `start`..`stop`-1 before the first month of the burn-in."""
    people = populate(settings, draws, start=start, stop=stop, months=months)
    size = len(people.ids)
    communities = len(np.unique(people.community))
    mechanisms = len(MECHANISMS)
    total = settings.burn_in_months + months
    zero = np.zeros(size, np.int64)
    market = open_market(settings, draws.seed)
    habits = draws.four(Stream.HABITS, people.ids, index=2)
    state = State(
        settings=settings,
        catalogue=catalogue,
        market=market,
        people=people,
        draws=draws,
        month=0,
        engagement=zero,
        lifecycle=zero,
        value=0.8 * people.trait("wealth") + 0.6 * draws.normal(Stream.VALUE, people.ids),
        consumption=people.consumption,
        segment=zero,
        channel=people.channel,
        region=people.region,
        income=np.zeros(size),
        pay=np.zeros(size),
        on=np.zeros((size, mechanisms), bool),
        until=np.zeros((size, mechanisms), np.int64),
        held=np.zeros((size, len(catalogue.products)), bool),
        hazard=np.zeros((size, len(settings.targets) + 1)),
        adoption=np.zeros((total, communities)),
        wave_until=np.zeros(communities, np.int64),
        couplings=couple(settings, market),
        phase=2 * np.pi * draws.uniform(Stream.HABITS, people.ids, index=1),
        swing=initial_swing(people.period, settings, habits),
    )
    state.engagement = initial_engagement(state)
    state.lifecycle = lifecycle_of(state.years, people.lifecycle_shift)
    state.pay = declared_income(people.income_level, state.lifecycle)
    state.income = state.pay.copy()
    # Four reviews settle the hysteresis.
    state.segment = review_segment(state.value, np.ones(size, np.int64))
    state.held = initial_holdings(state)
    return state


def _stamp(month: date, seconds: np.ndarray) -> pa.Array:
    start = np.datetime64(month.replace(day=1), "s")
    return pa.array(start + seconds.astype("timedelta64[s]"), pa.timestamp("us"))


def _merchant_names(market: Market) -> pa.Array:
    """Return the names of all merchants, e.g. `M00017`, in the order of their numbers."""
    total = int(market.first_merchant[-1] + market.merchant_count[-1])
    return pa.array(np.char.add("M", np.char.zfill(np.arange(total).astype(str), 5)))


def _transactions(
    names: pa.Array, merchants: pa.Array, month: date, happened: MonthEvents
) -> pa.Table:
    # Arrow takes texts by number; NumPy would build each of them anew.
    merchant = pa.array(happened.merchant, mask=happened.merchant < 0)
    return pa.table(
        {
            "customer_id": names.take(pa.array(happened.row)),
            "ts": _stamp(month, happened.second),
            "amount": pa.array(happened.amount),
            "direction": pa.array(["debit", "credit"]).take(pa.array(happened.credit.astype(int))),
            "category": pa.array(happened.category),
            "channel": pa.array(EVENT_CHANNELS).take(pa.array(happened.channel)),
            "merchant": merchants.take(merchant),
        }
    )


def _months(state: State, names: pa.Array, month: date, happened: MonthEvents) -> pa.Table:
    row = np.flatnonzero(state.present)
    spent = np.bincount(happened.row[~happened.credit], minlength=state.size) > 0
    return pa.table(
        {
            "customer_id": names.take(pa.array(row)),
            "month": pa.array(np.full(len(row), np.datetime64(month)), pa.date32()),
            "segment": pa.array(SEGMENTS).take(pa.array(state.segment[row])),
            "income": pa.array(
                state.income[row].astype(np.int64), mask=~state.people.income_recorded[row]
            ),
            "channel": pa.array(CHANNELS).take(pa.array(state.channel[row])),
            "region": pa.array(REGIONS).take(pa.array(state.region[row])),
            "active": pa.array(spent[row]),
        }
    )


def _holdings(state: State, names: pa.Array, month: date) -> pa.Table:
    codes = np.array([product.product for product in state.catalogue.products])
    row, product = np.nonzero(state.held & state.present[:, None])
    return pa.table(
        {
            "customer_id": names.take(pa.array(row)),
            "month": pa.array(np.full(len(row), np.datetime64(month)), pa.date32()),
            "product": pa.array(codes).take(pa.array(product)),
        }
    )


def _customers(state: State, names: pa.Array, first: date) -> pa.Table:
    people, burn_in = state.people, state.settings.burn_in_months
    born = (first.year - np.floor(people.age)).astype(np.int32)
    joined = []
    for customer, number in zip(people.ids.tolist(), people.joined.tolist(), strict=True):
        month = shift(first, number - burn_in)
        joined.append(date(month.year, month.month, 1 + customer % 28))
    return pa.table(
        {
            "customer_id": names,
            "birth_year": pa.array(born),
            "gender": pa.array(_GENDERS[people.gender].tolist(), pa.string()),
            "joined_on": pa.array(joined, pa.date32()),
        }
    )


def _latent(state: State, names: pa.Array, month: date) -> pa.Table:
    columns = {
        "customer_id": names,
        "month": pa.array(np.full(state.size, np.datetime64(month)), pa.date32()),
        "engagement": pa.array(state.engagement.astype(np.int8)),
        "lifecycle": pa.array(state.lifecycle.astype(np.int8)),
        "value": pa.array(state.value),
        "consumption": pa.array(state.consumption.astype(np.int8)),
    }
    for number, mechanism in enumerate(MECHANISMS):
        columns[f"on_{mechanism.name}"] = pa.array(state.on[:, number])
    for number, target in enumerate((*sorted(state.settings.targets), "closing")):
        columns[f"hazard_{target}"] = pa.array(state.hazard[:, number].astype(np.float32))
    return pa.table(columns)


def _causes(state: State, names: pa.Array, month: date, events: list[ProductEvents]) -> pa.Table:
    codes = np.array([product.product for product in state.catalogue.products])
    row = np.concatenate([event.row for event in events])
    product = np.concatenate([event.product for event in events])
    closed = np.concatenate([event.closed for event in events])
    return pa.table(
        {
            "customer_id": names.take(pa.array(row)),
            "month": pa.array(np.full(len(row), np.datetime64(month)), pa.date32()),
            "product": pa.array(codes).take(pa.array(product)),
            "event": pa.array(np.where(closed, "close", "acquire")),
            "cause": pa.array(np.array(CAUSES)[np.concatenate([event.cause for event in events])]),
        }
    )


def simulate(
    settings: BankSettings, catalogue: Catalogue, *, seed: int, start: int, stop: int, months: int
) -> Block:
    """Simulate customers `start`..`stop`-1 for `months` observed months.

    Args:
        settings: the bank.
        catalogue: its products.
        seed: another seed is another bank.
        start: first customer number, a multiple of the block size.
        stop: one past the last customer number.
        months: observed months after the burn-in.
    """
    state = begin(settings, catalogue, Draws(seed), start=start, stop=stop, months=months)
    first = parse_month(settings.first_month)
    names = pa.array(names_of(state.people.ids))
    merchants = _merchant_names(state.market)
    seen: dict[str, list[pa.Table]] = {"customer_months": [], "holdings": [], "transactions": []}
    hidden: dict[str, list[pa.Table]] = {"latent": [], "causes": []}
    for number in range(settings.burn_in_months + months):
        gained, lost = advance(state, number)
        month = shift(first, number - settings.burn_in_months)
        happened = month_events(state, month_end(month.year, month.month))
        if number < settings.burn_in_months:
            continue
        seen["customer_months"].append(_months(state, names, month, happened))
        seen["holdings"].append(_holdings(state, names, month))
        seen["transactions"].append(_transactions(names, merchants, month, happened))
        hidden["latent"].append(_latent(state, names, month))
        hidden["causes"].append(_causes(state, names, month, [*gained, lost]))
    observed = state.people.joined < settings.burn_in_months + months
    tables = {name: pa.concat_tables(parts) for name, parts in seen.items()}
    tables["customers"] = _customers(state, names, first).filter(pa.array(observed))
    return Block(tables, {name: pa.concat_tables(parts) for name, parts in hidden.items()})
