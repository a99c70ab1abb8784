"""Windows, behaviour and sequences of 50 customers with made-up histories against plain Python.

Histories dwell on the edges: nothing, one event, equal stamps, leap days, month ends, the first and
last second of a day and of the look-back, amounts of 1 and of 10^12.
"""

import datetime as dt
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from tests.unit.features import naive
from training_jobs.features.cut import CutView, cut
from training_jobs.features.registry import GENERATORS, TENSORS

CUSTOMERS = 50
AS_OFS = (dt.date(2024, 2, 29), dt.date(2023, 2, 28), dt.date(2024, 3, 31))
"""A leap day, the end of a short February, a month after which the leap day is history."""
MIDNIGHT, LAST = dt.time(0, 0, 0), dt.time(23, 59, 59)


def edges(as_of: dt.date) -> list[dt.date]:
    """Return days at which some window opens or closes, and their neighbours."""
    days = [as_of, shift(as_of, -12), shift(as_of, -1), dt.date(2024, 2, 29), dt.date(2023, 3, 1)]
    days += [as_of - dt.timedelta(days=back) for back in (6, 7, 29, 30, 89, 90, 179, 180)]
    return sorted({day + dt.timedelta(days=step) for day in days for step in (-1, 0, 1)})


def histories(as_of: dt.date) -> st.SearchStrategy[list[list[naive.Event]]]:
    """Return a strategy of the events of every customer."""
    stamp = st.builds(
        dt.datetime.combine,
        st.one_of(
            st.sampled_from(edges(as_of)),
            st.dates(shift(as_of, -14), as_of + dt.timedelta(days=40)),
        ),
        st.sampled_from([MIDNIGHT, LAST, dt.time(5, 59, 59), dt.time(6), dt.time(12), dt.time(22)]),
    )
    event = st.fixed_dictionaries(
        {
            "ts": stamp,
            "amount": st.one_of(st.sampled_from([1, 2, 10**12, 10**12 - 1]), st.integers(1, 10**7)),
            "direction": st.sampled_from(["debit", "debit", "credit"]),
            "category": st.sampled_from(bank.CATEGORIES[:3]),
            "channel": st.sampled_from(["pos", "web", None]),
            "merchant": st.sampled_from(["M1", "M2", None]),
        }
    )
    one = st.lists(event, max_size=5)
    # The same event twice, and the same second twice with another amount.
    twins = one.map(lambda events: events + [dict(e) for e in events[:1]])
    again = one.map(lambda events: events + [e | {"amount": e["amount"] + 1} for e in events[:2]])
    return st.lists(st.one_of(one, twins, again), min_size=CUSTOMERS, max_size=CUSTOMERS)


@st.composite
def banks(draw: st.DrawFn) -> tuple[dt.date, list[list[naive.Event]], list[dt.date | None]]:
    """Return an `as_of`, the events of every customer and the day each of them joined."""
    as_of = draw(st.sampled_from(AS_OFS))
    joined = st.one_of(st.none(), st.sampled_from([as_of, shift(as_of, -3), dt.date(2010, 2, 28)]))
    events = draw(histories(as_of))
    return as_of, events, draw(st.lists(joined, min_size=CUSTOMERS, max_size=CUSTOMERS))


def _names() -> list[str]:
    return [f"C{place:02d}" for place in range(CUSTOMERS)]


def _rows(events: list[list[naive.Event]], joined: list[dt.date | None]) -> bank.Rows:
    rows = bank.Rows()
    for name, own, day in zip(_names(), events, joined, strict=True):
        rows.customers.append(
            {"customer_id": name, "birth_year": 1980, "gender": "F", "joined_on": day}
        )
        rows.transactions += [event | {"customer_id": name} for event in own]
    return rows


def _columns(view: CutView, name: str) -> tuple[list[str], np.ndarray]:
    group = bank.group(name)
    generator = GENERATORS.build(group.generator, group.parameters, bank.bank_facts())
    fitted = generator.fit(view)
    columns = [column.name for column in generator.columns(fitted)]
    return columns, generator.transform(view, fitted)


def _check_events(view: CutView, events: list[list[naive.Event]], as_of: dt.date) -> None:
    """The flat history holds each customer's events oldest first, at the right distance."""
    history = view.events
    for place, own in enumerate(events):
        wanted = naive.newest_first(own, as_of)[::-1]
        at = slice(int(history.offsets[place]), int(history.offsets[place + 1]))
        stamps = [event["ts"] for event in wanted]
        found = zip(stamps, history.amount[at].tolist(), strict=True)
        assert sorted(found) == sorted((e["ts"], e["amount"]) for e in wanted)
        assert history.back[at].tolist() == [(as_of - e["ts"].date()).days for e in wanted]
        months = [(as_of.year - e["ts"].year) * 12 + as_of.month - e["ts"].month for e in wanted]
        assert history.month_back[at].tolist() == months
        assert history.hour[at].tolist() == [e["ts"].hour for e in wanted]


def _check_tensor(view: CutView, events: list[list[naive.Event]], as_of: dt.date) -> None:
    """Newest first, gap to the next newer, of the newest to the end of `as_of`."""
    item = bank.group("events")
    tensor = TENSORS.build(item.generator, item.parameters, bank.bank_facts())
    made: list[list[Any]] = [a.to_pylist() for a in tensor.transform(view, tensor.fit(view))]
    amounts, _, gaps, hours = made
    end = dt.datetime.combine(as_of, dt.time()) + dt.timedelta(days=1)
    for place, own in enumerate(events):
        wanted = naive.newest_first(own, as_of)
        # At equal stamps the order is settled elsewhere; here each stamp has its amounts.
        signed = sorted(
            (e["ts"], (1 if e["direction"] == "credit" else -1) * math.log1p(e["amount"]))
            for e in wanted
        )
        found = sorted(zip((e["ts"] for e in wanted), amounts[place], strict=True))
        assert [value for _, value in found] == pytest.approx([v for _, v in signed], rel=1e-6)
        assert hours[place] == [e["ts"].hour for e in wanted]
        newer = [end, *(e["ts"] for e in wanted)]
        between = [
            (after - e["ts"]).total_seconds() / 86_400
            for after, e in zip(newer, wanted, strict=False)
        ]
        assert gaps[place] == pytest.approx(between, rel=1e-6, abs=1e-9)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    # Shrinking fifty histories takes minutes; the message names customer and column already.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(made=banks())
def test_fifty_histories_mean_what_plain_python_says(
    made: tuple[dt.date, list[list[naive.Event]], list[dt.date | None]],
) -> None:
    as_of, events, joined = made
    rows = _rows(events, joined)
    with TemporaryDirectory() as folder:
        tables = bank.write_tables(Path(folder), rows, shards=1)
        with cut(
            bank.sources(tables, 1),
            customers=_names(),
            as_of=as_of,
            lookback_months=12,
            limits=bank.LIMITS,
        ) as view:
            naive.same(
                *_columns(view, "txn_rolling_stats"), [naive.rolling(own, as_of) for own in events]
            )
            expected = [
                naive.behaviour(customer, own, as_of)
                for customer, own in zip(rows.customers, events, strict=True)
            ]
            naive.same(*_columns(view, "txn_behavior"), expected)
            _check_events(view, events, as_of)
            _check_tensor(view, events, as_of)


def test_the_histories_reach_the_edges_they_are_made_for() -> None:
    """A strategy that never draws them would prove nothing."""
    seen: list[naive.Event] = []
    lengths: set[int] = set()
    twins = 0

    @settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
    @given(made=banks())
    def draw(made: tuple[dt.date, list[list[naive.Event]], list[dt.date | None]]) -> None:
        nonlocal twins
        for own in made[1]:
            lengths.add(len(own))
            seen.extend(own)
            twins += len({event["ts"] for event in own}) < len(own)

    draw()
    assert {0, 1} <= lengths
    assert twins > 20
    assert {1, 10**12} <= {event["amount"] for event in seen}
    days = {event["ts"].date() for event in seen}
    assert {dt.date(2024, 2, 29), dt.date(2023, 2, 28), dt.date(2023, 3, 1)} <= days
    assert {MIDNIGHT, LAST} <= {event["ts"].time() for event in seen}
