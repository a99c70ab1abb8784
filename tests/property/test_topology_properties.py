"""Properties of the topological features on generated series, sequences and histories."""

import datetime as dt
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.features import features_bank as bank
from tests.unit.features import topology_bank as small
from tests.unit.features.topology_reference import eight, line_intervals
from training_jobs.features.topology.embedding import delay_clouds, standard_ranks
from training_jobs.features.topology.homology import Pairs, line_pairs, loop_pairs
from training_jobs.features.topology.statistics import statistics

LEAST = small.topology().least_lifetime
quick = settings(max_examples=80, deadline=None)
# Halves are exact in float32: pairs compare without tolerance.
series = st.lists(st.integers(-40, 40).map(lambda half: half / 2), min_size=1, max_size=40)
sequences = st.lists(st.integers(0, 30), min_size=20, max_size=45)


def points(pairs: Pairs) -> list[tuple[float, float]]:
    """Return births and deaths, sorted."""
    return sorted(zip(pairs.birth.tolist(), pairs.death.tolist(), strict=True))


def swings(values: list[float]) -> list[tuple[float, float]]:
    """Return the pairs of one series."""
    return points(line_pairs(np.array([values]), np.array([0]), least=LEAST))


def cloud(values: list[int]) -> NDArray[np.float64]:
    """Return the embedding of one sequence."""
    offsets = np.array([0, len(values)])
    return delay_clouds(standard_ranks(np.array(values), offsets), offsets, small.topology())[0]


def loops(values: list[int]) -> Pairs:
    """Return the loops of one sequence."""
    return loop_pairs([cloud(values)], np.array([0]), least=LEAST, threads=1)


@quick
@given(values=series)
def test_swings_are_the_naive_ones_and_lie_inside_the_range(values: list[float]) -> None:
    found = swings(values)
    assert found == line_intervals(values)
    assert all(min(values) <= low < high <= max(values) for low, high in found)


@quick
@given(values=series, factor=st.sampled_from([0.5, 2.0, 8.0]), shift=st.integers(-99, 99))
def test_swings_follow_the_series(values: list[float], factor: float, shift: int) -> None:
    """Time backwards: the same. Upside down: mirrored. Scaled and moved: so are they."""
    found = swings(values)
    assert swings(values[::-1]) == found
    assert swings([-value for value in values]) == sorted((-high, -low) for low, high in found)
    moved = swings([factor * value + shift for value in values])
    assert moved == [(factor * low + shift, factor * high + shift) for low, high in found]


@quick
@given(values=sequences, factor=st.integers(1, 10**9), shift=st.integers(-(10**9), 10**9))
def test_ranks_see_the_order_of_the_values_alone(
    values: list[int], factor: int, shift: int
) -> None:
    given_values, offsets = np.array(values), np.array([0, len(values)])
    found = standard_ranks(given_values, offsets)
    assert found.sum() == pytest.approx(0, abs=1e-9)
    assert found.std() <= 1 + 1e-12
    assert (found == standard_ranks(factor * given_values + shift, offsets)).all()
    assert ((found[:, None] < found) == (given_values[:, None] < given_values)).all()


@quick
@given(values=sequences)
def test_loops_live_between_nothing_and_the_diameter(values: list[int]) -> None:
    found = loops(values)
    own = cloud(values)
    diameter = np.sqrt(((own[:, None] - own) ** 2).sum(axis=-1)).max()
    assert (found.birth > 0).all()
    assert (found.death > found.birth).all()
    assert (found.death <= diameter + 1e-6).all()


@quick
@given(values=sequences)
def test_loops_do_not_know_which_way_time_runs(values: list[int]) -> None:
    back, upside_down = loops(values[::-1]), loops([-value for value in values])
    for other in (back, upside_down):
        assert points(other) == [pytest.approx(pair, abs=1e-6) for pair in points(loops(values))]


@quick
@given(values=series)
def test_statistics_agree_with_each_other(values: list[float]) -> None:
    pairs = line_pairs(np.array([values]), np.array([0]), least=LEAST)
    count, mean, most, sd, entropy, total, birth, death = statistics(pairs, 1)[0]
    assert [count, mean, most, sd, entropy, total, birth, death] == pytest.approx(
        eight(line_intervals(values)), rel=1e-6, abs=1e-9, nan_ok=True
    )
    if count == 0:
        return
    assert total == pytest.approx(count * mean)
    assert mean == pytest.approx(death - birth)
    assert mean <= most + 1e-9 <= total + 2e-9
    assert -1e-12 <= entropy <= math.log(count) + 1e-9
    assert sd <= most


histories = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 86_399),
        # Neighbouring amounts differ by more than the millionth to which logs are kept.
        st.integers(1, 10**5),
        st.sampled_from(["debit", "credit"]),
        st.sampled_from(["5411", "5812", None]),
        st.sampled_from(["M1", "M1", None]),
    ),
    max_size=90,
)


def rows_of(history: list[tuple[int, int, int, str, str | None, str | None]]) -> list[bank.Row]:
    """Return the transactions of a customer, some of them older than the look-back."""
    midnight = dt.datetime.combine(small.AS_OF, dt.time())
    return [
        bank.transaction(
            "own",
            midnight - dt.timedelta(days=back) + dt.timedelta(seconds=second),
            amount,
            direction=direction,
            category=category,
            merchant=merchant,
        )
        for back, second, amount, direction, category, merchant in history
    ]


@settings(max_examples=15, deadline=None)
@given(history=histories, factor=st.integers(2, 2000))
def test_any_history_is_missing_as_a_whole_or_finite_and_free_of_currency(
    history: list[tuple[int, int, int, str, str | None, str | None]], factor: int
) -> None:
    rows = rows_of(history)
    found = []
    for times in (1, factor):
        scaled = [row | {"amount": row["amount"] * times} for row in rows]
        with TemporaryDirectory() as folder, small.view_of(Path(folder), scaled, ["own"]) as view:
            found.append(small.values(view, small.tda(12, least_events=5, category_events=10**6)))
    spent = [
        row
        for row in rows
        if row["direction"] == "debit" and row["ts"].date() > dt.date(2023, 2, 28)
    ]
    bought = [row for row in spent if row["merchant"]] or spent
    for name, column in found[0].items():
        assert not np.isinf(column).any()
        if name.endswith("count"):
            assert np.isnan(column[0]) == (len(bought) < 5)
            assert not column[0] < 0
        elif name.split("_")[1] not in ("birth", "death"):
            assert np.isnan(column[0]) == (len(bought) < 5)
        if name.startswith("loop"):
            # One level for all categories: the amounts keep their order.
            assert found[1][name].tobytes() == column.tobytes()
    # The number of swings may differ by some that are as small as rounding.
    assert found[1]["swing_total"] == pytest.approx(
        found[0]["swing_total"], rel=1e-4, abs=1e-4, nan_ok=True
    )
