"""Card events, credits and bills of one month."""

import calendar
from dataclasses import dataclass
from datetime import date

import numpy as np

from training_jobs.data.synthetic.couplings import deal
from training_jobs.data.synthetic.mechanisms import MECHANISMS, EventBatch
from training_jobs.data.synthetic.merchants import choose_merchants
from training_jobs.data.synthetic.random import Floats, Ints, Stream, pick
from training_jobs.data.synthetic.situations import ENGAGEMENT_RATE
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.swing import levels

EVENT_CHANNELS = ("pos", "mobile", "online", "transfer")
_CHANNEL_SHARES = np.cumsum([0.58, 0.27, 0.15])
_DAY = 86_400
_OUTINGS = 0.8
"""Outings a month of a customer with usual engagement; each is four events on one day."""
_SEASON = np.array([0.97, 0.93, 1.0, 1.0, 1.03, 1.0, 1.02, 1.03, 1.05, 1.0, 1.02, 1.12])
_TREND = 0.002
_OWN_TRANSFER = 0.5
"""Share of the pay that customers without a salary account move in every month."""


@dataclass(frozen=True)
class MonthEvents:
    """Events of a month: row of the customer, seconds into the month, amount in won, and labels.

    `merchant` is -1 where there is none.
    """

    row: Ints
    second: Ints
    amount: Ints
    category: np.ndarray
    merchant: Ints
    channel: Ints
    credit: np.ndarray


def _flatten(counts: Ints) -> tuple[Ints, Ints]:
    """Return row and number within the row for each of `counts` items."""
    row = np.repeat(np.arange(len(counts)), counts)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return row, np.arange(len(row)) - np.repeat(first, counts)


def _rates(state: State) -> Floats:
    calendar_month = (int(state.settings.first_month[5:]) - 1 + state.month) % 12
    rate = ENGAGEMENT_RATE[state.engagement] * _SEASON[calendar_month] * (1 + _TREND * state.month)
    rate = rate * np.exp(0.25 * state.people.trait("activity"))
    result: Floats = rate * state.present
    return result


def _times(state: State, row: Ints, uniforms: list[Floats], days: int) -> Ints:
    hour = np.clip(state.people.hour[row] + 4.0 * (uniforms[1] + uniforms[2] - 1.0), 0, 23.5)
    day = np.floor(uniforms[0] * days)
    return (day * _DAY + hour * 3600 + uniforms[3] * 1800).astype(np.int64)


def _card_batch(state: State, days: int) -> tuple[EventBatch, Ints]:
    """Return the month's card events in time order and their seconds.

    Outings have their categories; those of other events are dealt with the amounts.
    """
    draws, ids, month = state.draws, state.people.ids, state.month
    rate = _rates(state)
    single = draws.poisson(Stream.COUNT, ids, state.settings.active_events * rate, month=month)
    outings = draws.poisson(Stream.OUTING, ids, _OUTINGS * rate, month=month)
    row, index = _flatten(single)
    times = _times(
        state, row, draws.four(Stream.EVENT_TIME, ids[row], month=month, index=index), days
    )
    out_row, out_index = _flatten(outings)
    out_time = _times(
        state,
        out_row,
        draws.four(Stream.OUTING_EVENT, ids[out_row], month=month, index=out_index),
        days,
    )
    # The four events of an outing: some minutes apart, in an order of uniform keys.
    four = np.arange(4)
    keys = draws.uniform(
        Stream.OUTING, ids[out_row][:, None], month=month, index=100 + out_index[:, None] * 4 + four
    )
    motif = np.array([state.market.index(code) for code in state.settings.motif])
    order = np.argsort(np.argsort(keys, axis=1), axis=1)
    every_row = np.concatenate([row, np.repeat(out_row, 4)])
    every_time = np.concatenate([times, (out_time[:, None] + 1500 * four).ravel()])
    every_time = np.minimum(every_time, days * _DAY - 1)
    outing = np.concatenate([np.zeros(len(row), bool), np.ones(4 * len(out_row), bool)])
    place = np.concatenate([np.zeros(len(row), np.int64), np.tile(four, len(out_row))])
    kind = np.concatenate([np.full(len(row), -1), motif[order].ravel()])
    by_time = np.lexsort((place, every_time, every_row))
    every_row, every_time = every_row[by_time], every_time[by_time]
    index = _flatten(np.bincount(every_row, minlength=state.size))[1]
    ids_row = ids[every_row]
    what = draws.four(Stream.EVENT, ids_row, month=month, index=index)
    batch = EventBatch(
        row=every_row,
        index=index,
        category=kind[by_time],
        outing=outing[by_time],
        place=place[by_time],
        channel=pick(_CHANNEL_SHARES, what[1]),
        steady=np.zeros(len(every_row), bool),
        leaning=np.zeros(len(every_row), bool),
        homely=np.zeros(len(every_row), bool),
        scale=np.ones(len(every_row)),
        uniforms=draws.four(Stream.EVENT, ids_row, month=month, index=100_000 + index),
    )
    return batch, every_time


def _credits(state: State, days: int) -> list[tuple[Ints, Ints, Floats, str]]:
    """Return salary, pension and transfers in: rows, seconds, amounts, category."""
    codes = [product.product for product in state.catalogue.products]
    uniforms = state.draws.four(Stream.CREDIT, state.people.ids, month=state.month)
    at = (9 * 3600 + uniforms[0] * 3600).astype(np.int64)
    result = []
    for code, name, day in (("nomina", "salary", 24), ("nom_pens", "pension", 19)):
        row = np.flatnonzero(state.held[:, codes.index(code)] & state.present)
        share = 1.0 if name == "salary" else 0.6
        result.append((row, at[row] + day * _DAY, share * state.pay[row] / 12, name))
    awake = (state.engagement > 0) & state.present
    paid = state.held[:, codes.index("nomina")] | state.held[:, codes.index("nom_pens")]
    row = np.flatnonzero(awake & ~paid)
    result.append((row, at[row] + 25 * _DAY, _OWN_TRANSFER * state.pay[row] / 12, "transfer_in"))
    row = np.flatnonzero(awake & (uniforms[1] < 0.45))
    when = (uniforms[2][row] * days * _DAY).astype(np.int64)
    result.append(
        (row, when, 60_000 * np.exp(2.2 * uniforms[3][row] + 0.3 * state.value[row]), "transfer_in")
    )
    if state.month % 3 == 2:
        row = np.flatnonzero(state.held[:, codes.index("ahor")] & state.present)
        result.append(
            (row, at[row] + (days - 1) * _DAY, 9_000 * np.exp(state.value[row]), "interest")
        )
    return result


def _bills(state: State) -> list[tuple[Ints, Ints, Floats, str]]:
    """Return direct debits and taxes: rows, seconds, amounts, category."""
    codes = [product.product for product in state.catalogue.products]
    uniforms = state.draws.four(Stream.CREDIT, state.people.ids, month=state.month, index=1)
    row = np.flatnonzero(state.held[:, codes.index("recibo")] & state.present)
    at = (6 * 3600 + uniforms[0][row] * 600).astype(np.int64)
    result = [
        (row, at + 9 * _DAY, 70_000 * np.exp(0.4 * (uniforms[1][row] - 0.5)), "4900"),
        (row, at + 14 * _DAY, 55_000 * np.exp(0.2 * (uniforms[2][row] - 0.5)), "4814"),
    ]
    if state.month % 3 == 0:
        row = np.flatnonzero(state.held[:, codes.index("reca")] & state.present)
        at = (10 * 3600 + uniforms[0][row] * 600).astype(np.int64)
        result.append((row, at + 11 * _DAY, 0.004 * state.pay[row], "9311"))
    return result


def month_events(state: State, month_end: date) -> MonthEvents:
    """Return all events of the month, sorted by customer and time; advances the phases."""
    days = calendar.monthrange(month_end.year, month_end.month)[1]
    batch, second = _card_batch(state, days)
    for number, mechanism in enumerate(MECHANISMS):
        mechanism.paint(state, batch, state.on[batch.row, number])
    dealt = deal(state, batch, levels(state, batch))
    amount = np.exp(dealt + 0.25 * state.value[batch.row]) * batch.scale
    ids = state.people.ids[batch.row]
    merchant = choose_merchants(
        state.market,
        category=batch.category,
        customer=ids,
        community=state.people.community[batch.row],
        uniforms=state.draws.four(Stream.EVENT_PLACE, ids, month=state.month, index=batch.index),
        seed=state.draws.seed,
    )
    codes = np.array(state.market.codes)
    parts = [(batch.row, second, amount, codes[batch.category], merchant, batch.channel, False)]
    for credit, flows in ((True, _credits(state, days)), (False, _bills(state))):
        for row, at, value, name in flows:
            none = np.full(len(row), -1)
            transfer = np.full(len(row), len(EVENT_CHANNELS) - 1)
            parts.append((row, at, value, np.full(len(row), name), none, transfer, credit))
    row = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    category = np.concatenate([part[3] for part in parts])
    order = np.lexsort((category, at, row))
    money = np.concatenate([part[2] for part in parts])
    return MonthEvents(
        row=row[order],
        second=at[order],
        amount=np.maximum(np.round(money[order] / 10) * 10, 10).astype(np.int64),
        category=category[order],
        merchant=np.concatenate([part[4] for part in parts])[order],
        channel=np.concatenate([part[5] for part in parts])[order],
        credit=np.repeat([part[6] for part in parts], [len(part[0]) for part in parts])[order],
    )
