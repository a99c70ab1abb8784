"""The groups that are off by default: every column against a naive reading, and what it tells."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from tests.unit.features import own_history_reference as naive
from tests.unit.features.naive import same
from tests.unit.features.test_features_reference import everyone, history, produced
from training_jobs.features.__main__ import group_rows, render, switched_off
from training_jobs.features.bank import read_names
from training_jobs.features.model import Clock
from training_jobs.features.registry import GENERATORS
from training_jobs.features.schema import feature_schema, glossary_entries

GROUPS: dict[str, Callable[[naive.Life], naive.Values]] = {
    "temporal_rhythm": naive.temporal,
    "household_economics": naive.economics,
    "own_dynamics": naive.multidisciplinary,
    "regime_change": naive.phase_transition,
}
AS_OF = bank.CUTOFF
START = dt.datetime(2023, 2, 1)
"""First instant of the look-back at AS_OF."""


def alone(
    folder: Path, events: Iterable[bank.Row], group: str, *, joined: dt.date | None = None
) -> dict[str, float]:
    """Return the columns of a bank whose only customer has these events."""
    rows = bank.Rows(transactions=list(events))
    rows.customers = [{"customer_id": "X", "birth_year": 1980, "gender": "F", "joined_on": joined}]
    return of_bank(folder, rows, group)[0]


def of_bank(folder: Path, rows: bank.Rows, group: str) -> list[dict[str, float]]:
    """Return the columns of every customer of a bank, in the order of its customers."""
    settings = bank.group(group)
    tables = bank.write_tables(folder, rows, shards=1)
    generator = GENERATORS.build(settings.generator, settings.parameters, bank.bank_facts())
    customers = [row["customer_id"] for row in rows.customers]
    with bank.view_of(tables, AS_OF, customers, shards=1) as view:
        fitted = generator.fit(view)
        values = generator.transform(view, fitted)
    names = [column.name for column in generator.columns(fitted)]
    return [dict(zip(names, map(float, row), strict=True)) for row in values]


def every(days: int, *, hour: int = 12, until: int = 365) -> list[dt.datetime]:
    """Return noon, or another hour, of every so many days of the look-back."""
    return [START + dt.timedelta(days=day, hours=hour) for day in range(0, until, days)]


def spend(months: Sequence[int], **other: object) -> list[bank.Row]:
    """Return one event a month, oldest first, of these amounts; 0 = none."""
    days = [dt.datetime(2023 + (month > 12), (month - 1) % 12 + 1, 9) for month in range(2, 14)]
    return [
        bank.transaction("X", day, amount, **other)
        for day, amount in zip(days, months, strict=True)
        if amount
    ]


@pytest.mark.parametrize("as_of", [AS_OF, dt.date(2024, 2, 29)])
@pytest.mark.parametrize("group", GROUPS)
def test_every_column_is_what_its_definition_says(tables: Path, group: str, as_of: dt.date) -> None:
    names, values = produced(tables, group, as_of)
    lives = [
        naive.Life(history(row["customer_id"], as_of), row["joined_on"], as_of)
        for row in everyone()
    ]
    same(names, values, [GROUPS[group](life) for life in lives])


@pytest.mark.parametrize("group", GROUPS)
def test_a_row_has_the_same_bytes_alone_and_among_others_in_any_order(
    tables: Path, group: str
) -> None:
    settings = bank.group(group)
    generator = GENERATORS.build(settings.generator, settings.parameters, bank.bank_facts())
    customers = [row["customer_id"] for row in everyone()]
    with bank.view_of(tables, AS_OF) as view:
        fitted = generator.fit(view)
        whole = generator.transform(view, fitted)
    with bank.view_of(tables, AS_OF, customers[::-1]) as view:
        assert generator.transform(view, fitted)[::-1].tobytes() == whole.tobytes()
    for place in range(0, 60, 7):
        with bank.view_of(tables, AS_OF, [customers[place]]) as view:
            assert generator.transform(view, fitted).tobytes() == whole[place].tobytes()


def test_switched_on_they_are_present_documented_and_vary(tables: Path) -> None:
    raw = bank.features().model_dump(mode="json")
    for group in raw["groups"]:
        group["enabled"] = group["name"] in (*GROUPS, "demographics")
    raw["private_groups"] = ["demographics"]
    raw["tensors"] = []
    settings = FeaturesSettings.model_validate(raw)
    model = bank.fitted(tables, settings)
    schema = feature_schema(
        model, settings, glossary_entries(model, settings, read_names(tables)), as_ofs={}
    )
    # The bank of the tests has no food shop, so that nothing is known of food.
    assert schema["groups"]["household_economics"]["dropped"] == ["engel_food_share", "engel_slope"]
    for name in set(GROUPS) - {"household_economics"}:
        assert schema["groups"][name]["dropped"] == []
    assert sum(schema["groups"][name]["columns"] for name in GROUPS) == 27


def test_the_table_lists_them_below_and_the_json_not_at_all(tables: Path) -> None:
    settings = bank.features()
    rows = {
        group.name: {"declared": 1, "dropped": [], "status": "present", "reason": None}
        for group in settings.groups
    }
    made = group_rows(settings, {"groups": rows}, Clock().seconds)
    assert not {row["group"] for row in made} & set(GROUPS)
    assert len(made) == len(settings.groups) - len(GROUPS)
    assert not any(name in render(made) for name in GROUPS)
    lines = switched_off(settings)
    assert [line.split()[0] for line in lines] == list(GROUPS)
    assert all(line.endswith("absent: switched off") for line in lines)


def test_a_fixed_beat_is_minus_one_and_bursts_are_above_zero(tmp_path: Path) -> None:
    beat = alone(tmp_path, [bank.transaction("X", ts, 5) for ts in every(3)], "temporal_rhythm")
    assert beat["event_burstiness"] == -1
    assert beat["hour_concentration"] == pytest.approx(1)
    burst = [ts + dt.timedelta(minutes=n) for ts in every(60) for n in range(20)]
    bursts = alone(tmp_path, [bank.transaction("X", ts, 5) for ts in burst], "temporal_rhythm")
    assert bursts["event_burstiness"] > 0.5


def test_weekly_shopping_lies_in_the_week_and_shuffled_days_do_not(tmp_path: Path) -> None:
    weekly = every(7)
    found = alone(tmp_path, [bank.transaction("X", ts, 5) for ts in weekly], "temporal_rhythm")
    assert found["week_energy"] == pytest.approx(1)
    assert found["week_autocorrelation"] > 0.9
    draw = np.random.default_rng(5)
    days = draw.choice(365, len(weekly), replace=False)
    shuffled = [START + dt.timedelta(days=int(day), hours=12) for day in days]
    other = alone(tmp_path, [bank.transaction("X", ts, 5) for ts in shuffled], "temporal_rhythm")
    assert other["week_energy"] < 0.15
    assert abs(other["week_autocorrelation"]) < 0.25


def test_a_salary_day_lies_in_the_month(tmp_path: Path) -> None:
    monthly = [bank.transaction("X", START + dt.timedelta(days=k * 365 / 12), 5) for k in range(12)]
    weekly = [bank.transaction("X", ts, 5) for ts in every(7)]
    of_month, of_week = (
        alone(tmp_path, events, "temporal_rhythm")["month_energy"] for events in (monthly, weekly)
    )
    # Twelve impulses have energy in all fourteen harmonics, three of which are counted.
    assert of_month > 0.18
    assert of_week < 0.01


def test_doubling_spending_has_the_trend_of_the_line(tmp_path: Path) -> None:
    found = alone(tmp_path, spend(range(100, 1300, 100)), "temporal_rhythm")
    assert found["spend_trend"] == pytest.approx(100 / 650)
    assert found["spend_trend_consistency"] == 1


def test_the_propensity_to_consume_is_the_planted_slope(tmp_path: Path) -> None:
    pay = [1000 + 100 * month for month in range(12)]
    events = spend(pay, direction="credit", category="salary")
    out = [200 + pay_ * 3 // 4 for pay_ in pay]
    eaten = [(4000 - amount) * amount // 8000 for amount in out]
    events += spend(eaten, category="5411")
    events += spend(
        [amount - food for amount, food in zip(out, eaten, strict=True)], category="5999"
    )
    found = alone(tmp_path, events, "household_economics")
    assert found["consumption_propensity"] == pytest.approx(0.75, abs=0.002)
    assert 0 < found["income_elasticity"] < 1, "autonomous consumption makes it inelastic"
    assert 0 < found["consumption_smoothness"] < 1
    assert found["savings_ratio"] == pytest.approx(1 - sum(out) / sum(pay))
    assert found["engel_food_share"] == pytest.approx(sum(eaten) / sum(out))
    assert found["engel_slope"] < 0, "the food share falls as spending grows"
    food = sum(eaten) / sum(out)
    assert found["spend_concentration"] == pytest.approx(food**2 + (1 - food) ** 2)


def test_exponential_decay_has_its_rate(tmp_path: Path) -> None:
    events = [
        bank.transaction("X", START.replace(day=1 + n % 27) + dt.timedelta(days=31 * month), 5)
        for month in range(11)
        for n in range(2 ** (11 - month))
    ]
    found = alone(tmp_path, events, "own_dynamics")
    assert found["activity_decay_rate"] == pytest.approx(np.log(2), rel=0.03)
    grown = alone(tmp_path, spend([0] * 6 + [1] * 6) + spend([0] * 5 + [1] * 7), "own_dynamics")
    assert grown["activity_decay_rate"] < 0


def test_the_residual_of_one_event_halves_with_the_half_life(tmp_path: Path) -> None:
    for back, left in ((0, 1), (30, 0.5), (60, 0.25)):
        moment = dt.datetime.combine(AS_OF, dt.time(9)) - dt.timedelta(days=back)
        found = alone(tmp_path, [bank.transaction("X", moment, 5)], "own_dynamics")
        assert found["residual_activity"] == pytest.approx(left)


def test_rhythms_in_step_add_up_and_opposite_ones_cancel(tmp_path: Path) -> None:
    def rhythm(shift: int) -> float:
        events = [bank.transaction("X", ts, 5, category="A") for ts in every(7)]
        later = [ts + dt.timedelta(days=shift) for ts in every(7, until=357)]
        events += [bank.transaction("X", ts, 5, category="B") for ts in later]
        return alone(tmp_path, events, "own_dynamics")["rhythm_interference"]

    assert rhythm(0) == pytest.approx(1)
    assert rhythm(3) == pytest.approx(np.cos(2 * np.pi * 3 / 7))


def test_slowing_down_raises_variance_and_memory_before_a_shift(tmp_path: Path) -> None:
    """An AR(1) activity whose memory grows, the normal form of critical slowing down."""
    draw = np.random.default_rng(11)
    rises = []
    for _ in range(12):
        level, active = 0.0, []
        for week in range(52):
            level = (0.05 + 0.9 * week / 51) * level + draw.normal(0, 1.1)
            active.append(int(np.clip(round(3.5 + level), 0, 7)))
        first = dt.datetime.combine(AS_OF, dt.time(9)) - dt.timedelta(days=363)
        events = [
            bank.transaction("X", first + dt.timedelta(days=7 * week + day), 5)
            for week, days in enumerate(active)
            for day in range(days)
        ]
        found = alone(tmp_path, events, "regime_change")
        rises.append((found["variance_rise"], found["autocorrelation_rise"]))
    assert np.mean(rises, axis=0).min() > 0.3


def test_a_change_of_level_is_found_where_it_was_planted(tmp_path: Path) -> None:
    found = alone(tmp_path, spend([100] * 8 + [300] * 4), "regime_change")
    assert found["months_since_spend_change"] == 4
    assert found["spend_level_shift"] == pytest.approx(0.5)
    assert found["spend_change_statistic"] == pytest.approx(np.sqrt(4 * 8 / 12))
    back = alone(tmp_path, spend([100, 300] * 6), "regime_change")
    assert back["spend_change_statistic"] < 0.5


def test_two_states_are_more_bimodal_than_one(tmp_path: Path) -> None:
    first = dt.datetime.combine(AS_OF, dt.time(9)) - dt.timedelta(days=363)

    def bimodality(weeks: Sequence[int]) -> float:
        events = [
            bank.transaction("X", first + dt.timedelta(days=7 * week + day), 5)
            for week, days in enumerate(weeks)
            for day in range(days)
        ]
        return alone(tmp_path, events, "regime_change")["activity_bimodality"]

    assert (
        bimodality([1, 6] * 26)
        > 0.9
        > 0.56
        > bimodality([3, 3, 4, 3, 2, 3, 3, 5, 3, 1, 3, 3, 3] * 4)
    )


@pytest.mark.parametrize("group", GROUPS)
def test_without_events_only_counts_are_known(tmp_path: Path, group: str) -> None:
    found = alone(tmp_path, [], group)
    known = {name: value for name, value in found.items() if not np.isnan(value)}
    assert known == ({"residual_activity": 0.0} if group == "own_dynamics" else {})


def test_months_before_joining_are_not_a_fall(tmp_path: Path) -> None:
    """Spending of a new customer that never changes has no trend and no change of level."""
    events = spend([0] * 5 + [100] * 7)
    joined = dt.date(2023, 7, 1)
    trend = alone(tmp_path, events, "temporal_rhythm", joined=joined)
    assert trend["spend_trend"] == 0
    assert np.isnan(trend["month_energy"])
    change = alone(tmp_path, events, "regime_change", joined=joined)
    assert all(np.isnan(value) for value in change.values())
    assert alone(tmp_path, events, "temporal_rhythm")["spend_trend"] > 0.1
