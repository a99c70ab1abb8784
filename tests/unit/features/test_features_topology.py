"""The topological columns and pairs through a view: what counts, what cancels, what is shared."""

import datetime as dt
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.unit.features import features_bank as bank
from tests.unit.features import topology_bank as small
from tests.unit.features.topology_reference import eight
from training_jobs.features.cut import Limits
from training_jobs.features.errors import FeatureError
from training_jobs.features.topology import diagrams

WAVE = [round(1000 * math.exp(math.sin(2 * math.pi * place / 6.3))) for place in range(80)]


def test_under_twenty_purchases_in_the_window_all_is_missing(tmp_path: Path) -> None:
    old = dt.timedelta(days=40)
    events = [
        *small.spaced("just", WAVE[:20]),
        *small.spaced("short", WAVE[:19]),
        *small.spaced("short", WAVE[:30], direction="credit"),
        *small.spaced("bills", WAVE[:19]),
        *small.spaced("bills", WAVE[:30], merchant=None),
        # Enough within the year, not within the quarter.
        *small.spaced("early", WAVE[:19], gap=dt.timedelta(days=1)),
        bank.transaction("early", dt.datetime(2023, 11, 30, 23), 77),
        *small.spaced("edge", WAVE[:19], gap=dt.timedelta(days=1)),
        bank.transaction("edge", dt.datetime(2023, 12, 1), 77),
        *[row | {"ts": row["ts"] - 10 * old} for row in small.spaced("gone", WAVE)],
    ]
    customers = ["just", "short", "bills", "early", "edge", "gone", "never"]
    with small.view_of(tmp_path, events, customers) as view:
        for months, present in ((3, {"just", "edge"}), (12, {"just", "edge", "early"})):
            found = np.column_stack(list(small.values(view, small.tda(months)).values()))
            missing = np.isnan(found)
            for name, gaps in zip(customers, missing, strict=True):
                assert gaps.all() == (name not in present), (name, months)
                assert not gaps[:6].any() or name not in present
            tensor = small.pairs((months,))
            empty = [not row["birth"] for row in small.lists(view, tensor)]
            assert empty == [name not in present for name in customers]


def test_where_no_merchant_is_recorded_all_spending_is_the_sequence(tmp_path: Path) -> None:
    with small.view_of(tmp_path, small.spaced("only", WAVE, merchant=None)) as view:
        assert np.isfinite(small.values(view, small.tda(12))["loop_max"]).all()


def test_spending_may_be_the_credits(tmp_path: Path) -> None:
    rows = [
        *small.spaced("earns", WAVE, direction="credit", merchant=None),
        *small.spaced("spends", WAVE),
    ]
    with small.view_of(tmp_path, rows) as view:
        found = small.values(view, small.tda(12, direction="credit"))
    for column in found.values():
        assert np.isnan(column).tolist() == [False, True]


def test_levels_are_learnt_alike_in_any_order_of_customers(tables: Path) -> None:
    names = [row["customer_id"] for row in bank.standard().customers]
    fitted = []
    for customers in (names, names[::-1]):
        with bank.view_of(tables, bank.CUTOFF, customers) as view:
            fitted.append(small.tda(12, category_events=10).fit(view))
    assert fitted[0] == fitted[1]
    assert len(fitted[0].values["levels"]) == 1 + len(fitted[0].values["categories"]) > 5


def test_the_cycle_is_seen_beside_what_categories_usually_cost(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    loops: dict[bool, list[float]] = {}
    for known in (True, False):
        events = []
        for number in range(20):
            dear = draw.integers(0, 2, len(WAVE))
            rows = small.spaced(f"C{number}", [a * (1 + 99 * d) for a, d in zip(WAVE, dear)])
            for row, category in zip(rows, dear, strict=True):
                row["category"] = bank.CATEGORIES[category] if known else None
            events += rows
        with small.view_of(tmp_path / str(known), events) as view:
            loops[known] = small.values(view, small.tda(12))["loop_max"].tolist()
    assert min(loops[True]) > 1.5 * max(loops[False])


def test_scale_and_clock_cancel_out(tmp_path: Path) -> None:
    """Another currency changes nothing; another time zone moves days, never the order."""
    draw = np.random.default_rng(9)
    rows = [
        row
        for number in range(12)
        for row in small.spaced(f"C{number:02d}", np.exp(draw.normal(9, 1, 70)).astype(int) + 1)
    ]
    zone = dt.timedelta(hours=9)

    def found(name: str, change: Any) -> dict[str, Any]:
        with small.view_of(tmp_path / name, [row | change(row) for row in rows]) as view:
            return small.values(view, small.tda(12))

    plain = found("plain", lambda row: {})
    scaled = found("scaled", lambda row: {"amount": row["amount"] * 1300})
    moved = found("moved", lambda row: {"ts": row["ts"] + zone})
    for name, column in plain.items():
        assert scaled[name] == pytest.approx(column, rel=1e-3, abs=1e-4), name
        if name.startswith("loop"):
            assert moved[name].tolist() == column.tolist(), name
    assert (moved["swing_total"] != plain["swing_total"]).any()


@pytest.mark.parametrize(
    "amounts",
    [
        [500] * 40,
        [1] * 20 + [2**52] * 20,
        [1, 9_000_000_000_000_000] * 15,
        list(range(1, 41)),
    ],
)
@pytest.mark.parametrize("gap", [dt.timedelta(0), dt.timedelta(days=1), dt.timedelta(hours=5)])
def test_awkward_sequences_are_finite_or_missing(
    tmp_path: Path, amounts: list[int], gap: dt.timedelta
) -> None:
    with small.view_of(tmp_path, small.spaced("only", amounts, gap=gap)) as view:
        found = small.values(view, small.tda(12))
    for name, column in found.items():
        assert not np.isinf(column).any()
        empty = found[name.split("_")[0] + "_count"][0] == 0
        assert np.isnan(column[0]) == (empty and name.endswith(("birth", "death"))), name
    if len(set(amounts)) == 1:
        assert found["loop_count"][0] == 0


def test_the_groups_and_the_tensor_of_a_view_share_one_computation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    honest = diagrams._diagrams

    def counting(view: Any, months: int, *given: Any) -> Any:
        made.append(months)
        return honest(view, months, *given)

    monkeypatch.setattr(diagrams, "_diagrams", counting)
    with small.view_of(tmp_path / "one", small.spaced("only", WAVE)) as view:
        before = view.events.debit.copy()
        small.values(view, small.tda(12))
        small.values(view, small.tda(3))
        small.lists(view, small.pairs((12, 3)))
        assert made == [12, 3]
        small.values(view, small.tda(3, delay=2))
        assert made == [12, 3, 3], "other parameters are another computation"
        other = small.tda(3).fit(view)
        levels = {"categories": [bank.CATEGORIES[0]], "levels": [0, 10**6]}
        small.values(view, small.tda(3), replace(other, values=other.values | levels))
        assert made.pop() == 3, "other levels too"
        assert (view.events.debit == before).all()
    with small.view_of(tmp_path / "two", small.spaced("only", WAVE)) as view:
        small.values(view, small.tda(12))
        assert made == [12, 3, 3, 12], "another view is another computation"


def test_pairs_are_what_the_columns_summarise(tables: Path) -> None:
    with bank.view_of(tables, small.AS_OF) as view:
        every = small.lists(view, small.pairs((12, 3), least_events=10))
        for months in (12, 3):
            columns = small.values(view, small.tda(months, least_events=10))
            for row, lists in enumerate(every):
                for dimension, kind in enumerate(("swing", "loop")):
                    chosen = [
                        (low, high)
                        for low, high, of, window in zip(*lists.values(), strict=True)
                        if (of, window) == (dimension, months)
                    ]
                    own = [float(columns[name][row]) for name in columns if name.startswith(kind)]
                    if math.isnan(own[0]):
                        assert not chosen
                        continue
                    assert own == pytest.approx(eight(chosen), rel=1e-5, abs=1e-6, nan_ok=True)
                    lifetimes = [high - low for low, high in chosen]
                    assert all(a >= b - 1e-6 for a, b in pairwise(lifetimes))
    assert sum(len(lists["birth"]) for lists in every) > 1000


def test_the_most_persistent_pairs_of_each_diagram_are_kept(tables: Path) -> None:
    with bank.view_of(tables, small.AS_OF) as view:
        every = small.lists(view, small.pairs((12, 3), least_events=10))
        tensor = small.pairs((12, 3), most_pairs=4, least_events=10)
        assert tensor.length == 16
        capped = small.lists(view, tensor)
    cut_short = 0
    for whole, kept in zip(every, capped, strict=True):
        points = list(zip(*whole.values(), strict=True))
        expected = []
        for key in ((0, 12), (1, 12), (0, 3), (1, 3)):
            expected += [point for point in points if point[2:] == key][:4]
        assert list(zip(*kept.values(), strict=True)) == expected
        cut_short += len(expected) < len(points)
    assert cut_short > 20


def test_bytes_do_not_depend_on_blocks_threads_or_other_customers(tables: Path) -> None:
    names = [row["customer_id"] for row in bank.standard().customers]

    def found(customers: list[str], threads: int = 1, **changes: Any) -> dict[str, bytes]:
        generator = small.tda(12, least_events=10, **changes)
        with bank.view_of(tables, bank.CUTOFF) as view:
            fitted = generator.fit(view)
        limits = Limits("256MB", threads)
        with bank.view_of(tables, small.AS_OF, customers, limits=limits) as view:
            rows = generator.transform(view, fitted)
            made = diagrams.window_diagrams(
                view,
                months=12,
                topology=generator.parameters.topology,
                levels=diagrams.Levels.of(fitted),
            )
        return {
            name: row.tobytes()
            + made.swings.birth[made.swings.row == place].tobytes()
            + made.loops.death[made.loops.row == place].tobytes()
            for place, (name, row) in enumerate(zip(customers, rows, strict=True))
        }

    whole = found(names)
    assert found(names, block_customers=1, threads=2) == whole
    assert found(names, block_customers=7) == whole
    assert found(names[::-1]) == whole
    for name in names[:3]:
        assert found([name]) == {name: whole[name]}


def test_a_window_longer_than_the_look_back_is_refused() -> None:
    with pytest.raises(FeatureError, match="13 months, but views hold 12"):
        small.tda(13)
    with pytest.raises(FeatureError, match="24 months, but views hold 12"):
        small.pairs((3, 24))


@pytest.mark.parametrize(
    "change", [{"least_events": 2}, {"delay": 10}, {"most_points": 3}, {"direction": "both"}]
)
def test_settings_that_make_no_point_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        small.topology(**change)
