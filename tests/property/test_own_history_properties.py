"""Random histories: the groups that are off by default keep to their definitions."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.features import features_bank as bank
from tests.unit.features.naive import same
from tests.unit.features.own_history_reference import Life
from tests.unit.features.test_features_own_history import AS_OF, GROUPS, START
from training_jobs.features.generator import Fitted
from training_jobs.features.registry import GENERATORS

SECONDS = 365 * 86_400
EDGES = (0, 1, 86_399, 86_400, 27 * 86_400, 334 * 86_400, SECONDS - 86_400, SECONDS - 1)
"""Either end of the look-back, midnights and month ends."""
AMOUNTS = st.one_of(st.integers(1, 10), st.integers(1, 10**7), st.sampled_from((1, 10**12)))
CATEGORIES = st.sampled_from(("5411", "5812", "5999", "salary", None))

EVENT = st.builds(
    lambda second, amount, direction, category, merchant: bank.transaction(
        "X",
        START + dt.timedelta(seconds=second),
        amount,
        direction=direction,
        category=category,
        merchant=merchant,
    ),
    st.one_of(st.integers(0, SECONDS - 1), st.sampled_from(EDGES)),
    AMOUNTS,
    st.sampled_from(("debit", "debit", "credit")),
    CATEGORIES,
    st.sampled_from(("M1", "M2", None)),
)
JOINED = st.one_of(st.none(), st.dates(dt.date(2022, 6, 1), AS_OF))
LIFE = st.tuples(JOINED, st.lists(EVENT, max_size=30))


@pytest.mark.parametrize("group", GROUPS)
@settings(max_examples=12, deadline=None)
@given(lives=st.lists(LIFE, min_size=1, max_size=5))
def test_any_history_is_read_as_defined_and_alone(
    group: str, lives: list[tuple[dt.date | None, list[bank.Row]]]
) -> None:
    rows = bank.Rows()
    expected = []
    for number, (joined, events) in enumerate(lives):
        # A customer has no transaction before joining.
        own = [
            event | {"customer_id": f"X{number}"}
            for event in events
            if joined is None or event["ts"].date() >= joined
        ]
        rows.transactions += own
        rows.customers.append(
            {"customer_id": f"X{number}", "birth_year": 1, "gender": None, "joined_on": joined}
        )
        expected.append(GROUPS[group](Life(own, joined, AS_OF)))
    entry = bank.group(group)
    generator = GENERATORS.build(entry.generator, entry.parameters, bank.bank_facts())
    customers = [row["customer_id"] for row in rows.customers]
    with TemporaryDirectory() as folder:
        tables = bank.write_tables(Path(folder), rows, shards=1)
        with bank.view_of(tables, AS_OF, customers, shards=1) as view:
            values = generator.transform(view, Fitted())
        with bank.view_of(tables, AS_OF, customers[-1:], shards=1) as view:
            alone = generator.transform(view, Fitted())
    assert alone.tobytes() == values[-1].tobytes()
    same([column.name for column in generator.columns(Fitted())], values, expected)
