"""Small parts of the control functions: addresses, runs, prices, names of people, reasons."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.contracts.artefacts import FileEntry
from lambdas.control.budget import Price, worst_case_usd
from lambdas.control.costs import GUARD, spent
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from lambdas.control.four_eyes import same_person
from lambdas.control.ledger import month_of
from lambdas.control.outputs import smallest
from lambdas.control.uris import Location, locate
from tests.fixtures.control_cloud import run_json

KEY = st.text("abc/?#%&= .-_가", min_size=1).filter(lambda key: key.strip("/"))


@given(key=KEY)
def test_an_address_is_taken_apart_and_put_together_whole(key: str) -> None:
    assert str(locate(f"s3://bucket/{key}")) == f"s3://bucket/{key}"
    assert locate(f"s3://bucket/{key}") == Location("bucket", key)


def test_a_name_below_a_prefix_has_one_slash() -> None:
    for key in ("a", "a/"):
        assert str(Location("b", key) / "c") == "s3://b/a/c"


@pytest.mark.parametrize(
    "uri", ["", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://b/k", "b/k", "None"]
)
def test_what_is_no_address_of_a_key_is_refused(uri: str) -> None:
    with pytest.raises(BadInput):
        locate(uri)


def test_a_run_travels_whole() -> None:
    assert Run.parse(run_json()).as_json() == run_json()


@pytest.mark.parametrize("name", sorted(run_json()))
@pytest.mark.parametrize("value", [None, "", 7, ...])
def test_a_run_without_a_field_is_refused_by_its_name(name: str, value: Any) -> None:
    raw: dict[str, Any] = {**run_json(), name: value}
    if value is ...:
        del raw[name]
    with pytest.raises(BadInput, match=name):
        Run.parse(raw)


@given(seconds=st.floats(-1e6, 1e6), limit=st.integers(1, 10**6), rate=st.floats(0.01, 100))
def test_a_job_costs_something_between_nothing_and_its_worst_case(
    seconds: float, limit: int, rate: float
) -> None:
    price = Price(rate, limit)
    assert 0 <= price.of(seconds) <= price.worst
    assert price.of(limit) == price.worst


def test_a_job_costs_what_an_hour_costs_in_an_hour() -> None:
    assert Price(3.0, 7200).of(3600) == 3.0


@given(
    jobs=st.lists(
        st.tuples(st.integers(1, 10), st.integers(60, 10**5), st.floats(0.01, 50), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    groups=st.integers(1, 3),
)
def test_the_worst_case_is_every_job_on_all_instances_in_every_group(
    jobs: list[tuple[int, int, float, bool]], groups: int
) -> None:
    names = ("instance_count", "max_run_s", "usd_per_hour", "per_group")
    rows = [dict(zip(names, job, strict=True)) for job in jobs]
    expected = sum(
        count * seconds / 3600 * rate * (groups if grouped else 1)
        for count, seconds, rate, grouped in jobs
    )
    assert math.isclose(worst_case_usd(rows, groups=groups), expected)


def test_a_run_counts_by_the_greater_of_reservation_and_charges() -> None:
    rows = [
        {"entry": GUARD, "number": 3},
        {"entry": "r1", "reserved_usd": 10},
        {"entry": "r1#a", "cost_usd": 4},
        {"entry": "r1#b#group", "cost_usd": 3.5},
        {"entry": "r2", "reserved_usd": 0},
        {"entry": "r2#a", "cost_usd": 2},
        {"entry": "r3#a", "cost_usd": 1},
    ]
    assert spent(rows) == 13
    assert spent(rows, but="r1") == 3
    assert spent([]) == 0


@pytest.mark.parametrize(
    ("some", "others", "same"),
    [
        (["kim"], ["kim"], True),
        ([" Kim "], ["KIM"], True),
        (["arn:aws:iam::1:user/kim"], ["kim"], True),
        (["arn:aws:sts::1:assumed-role/Ops/kim"], ["arn:aws:iam::1:user/kim"], True),
        (["lee", "kim"], ["park", "kim"], True),
        (["김하늘"], ["김하늘"], True),
        (["arn:aws:iam::1:root"], ["arn:aws:iam::1:root"], True),
        (["arn:aws:sts::1:assumed-role/Ops/lee"], ["arn:aws:sts::1:assumed-role/Ops/kim"], False),
        (["kimberly"], ["kim"], False),
        ([""], [""], False),
        (["/"], ["arn/"], False),
        ([], [], False),
    ],
)
def test_two_names_are_one_person_when_any_form_of_them_agrees(
    some: list[str], others: list[str], same: bool
) -> None:
    assert same_person(some, others) is same
    assert same_person(others, some) is same


@given(sizes=st.lists(st.integers(0, 100), max_size=8), limit=st.integers(0, 300))
def test_the_smallest_files_are_hashed_within_the_bound(sizes: list[int], limit: int) -> None:
    entries = [FileEntry(str(number), size, "") for number, size in enumerate(sizes)]
    chosen = smallest(entries, limit)
    left = [row for row in entries if row not in chosen]
    assert sum(row.size for row in chosen) <= limit
    assert all(row.size <= other.size for row in chosen for other in left)
    if left:
        assert sum(row.size for row in chosen) + min(row.size for row in left) > limit


def test_months_are_those_of_utc() -> None:
    assert month_of(0.0) == "1970-01"
    assert [month_of(1_796_083_199.0), month_of(1_796_083_200.0)] == ["2026-11", "2026-12"]
