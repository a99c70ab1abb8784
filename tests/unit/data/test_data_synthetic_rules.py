"""The planted rules of the synthetic bank, counted over whole latent paths."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import begin
from training_jobs.data.synthetic.census import count
from training_jobs.data.synthetic.forward import fork
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.mechanisms.cause import proxy_link
from training_jobs.data.synthetic.mechanisms.crosses import Crosses
from training_jobs.data.synthetic.products import CAUSES, _happens, _hazards
from training_jobs.data.synthetic.random import Draws, Stream
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.stepping import advance
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

SETTINGS = load(BankSettings, BANK_FILE)
CATALOGUE = load(Catalogue, CATALOGUE_FILE)


@pytest.fixture(scope="module")
def census() -> dict[str, Any]:
    return count(6144, seed=31)


@pytest.fixture(scope="module")
def state() -> State:
    """4,096 customers in the last observed month."""
    start = begin(SETTINGS, CATALOGUE, Draws(17), start=0, stop=4096, months=24)
    for month in range(SETTINGS.burn_in_months + 24):
        advance(start, month)
    return start


def test_each_mechanism_is_on_for_four_to_six_per_cent_of_the_months(
    census: dict[str, Any],
) -> None:
    assert set(census["prevalence"]) == {mechanism.name for mechanism in MECHANISMS}
    for name, share in census["prevalence"].items():
        assert 0.04 <= share <= 0.06, (name, share)


def test_spells_last_three_to_nine_months(census: dict[str, Any]) -> None:
    for name, (shortest, longest) in census["spell_months"].items():
        assert shortest >= 3, name
        # Two spells may follow each other without a month between.
        assert SETTINGS.spells[name].max_months <= 9  # type: ignore[index]
        assert longest >= 6, name


def test_each_mechanism_drives_a_tenth_to_a_fifth_of_all_caused_events(
    census: dict[str, Any],
) -> None:
    assert sum(census["share_of_caused"].values()) == pytest.approx(1)
    for name, share in census["share_of_caused"].items():
        assert 0.10 <= share <= 0.20, (name, share)


def test_every_target_has_three_mechanisms_and_none_above_45_per_cent_of_its_caused_events(
    census: dict[str, Any],
) -> None:
    assert set(census["share_by_target"]) == {*SETTINGS.targets, "closing"}
    for target, shares in census["share_by_target"].items():
        caused = {cause: share for cause, share in shares.items() if cause != "background"}
        acting = [share for share in caused.values() if share > 0.01]
        assert shares["background"] > 0, target
        assert len(acting) >= 3, target
        assert max(acting) <= 0.45 * sum(acting), target


def test_three_month_rates_among_the_eligible_are_the_declared_ones(
    census: dict[str, Any],
) -> None:
    declared = {
        "accounts": 0.06, "deposits": 0.04, "investments": 0.03,
        "lending": 0.03, "payments": 0.08, "income": 0.03, "churn": 0.06,
    }  # fmt: skip
    assert {name: target.rate for name, target in SETTINGS.targets.items()} | {
        "churn": SETTINGS.closing.rate
    } == declared
    for name, rate in declared.items():
        assert census["rates"][name] == pytest.approx(rate, rel=0.12), name


def test_hazards_of_mechanisms_add_up_on_the_background(state: State) -> None:
    target = SETTINGS.targets["accounts"]
    factor = np.ones(state.size)
    none = replace(state, on=np.zeros_like(state.on))
    every = replace(state, on=np.ones_like(state.on))
    alone = _hazards(none, target, factor)
    assert (alone[:, 1:] == 0).all()
    assert (alone[:, 0] > 0).all()
    total = _hazards(every, target, factor).sum(axis=1)
    parts = alone.sum(axis=1)
    for number in range(len(MECHANISMS)):
        on = np.zeros_like(state.on)
        on[:, number] = True
        one = _hazards(replace(state, on=on), target, factor)
        assert (one[:, 0] == alone[:, 0]).all()
        parts = parts + one.sum(axis=1) - alone.sum(axis=1)
    assert total == pytest.approx(parts, rel=1e-12)
    assert (total > 2 * alone.sum(axis=1)).mean() > 0.5


def test_the_cause_is_drawn_in_proportion_to_its_hazard(state: State) -> None:
    hazards = np.zeros((state.size, len(CAUSES)))
    hazards[:, [0, 2, 5]] = [0.2, 0.4, 0.6]
    happens, cause = _happens(state, hazards, stream=Stream.ACQUIRE, index=77)
    assert happens.mean() == pytest.approx(1 - np.exp(-1.2), abs=0.03)
    shares = np.bincount(cause[happens], minlength=len(CAUSES)) / happens.sum()
    assert shares == pytest.approx([1 / 6, 0, 1 / 3, 0, 0, 1 / 2, 0, 0], abs=0.03)


def test_no_hazard_reads_what_happens_inside_the_label_window() -> None:
    def window(*, meddle: int) -> list[np.ndarray]:
        origin = fork(
            SETTINGS, CATALOGUE, seed=5, start=0, stop=1024, months=24, as_of=15, horizon=3,
            prior_months=6, min_observed=6,
        )  # fmt: skip
        state = origin.state
        seen = []
        for month in range(state.month + 1, state.month + 4):
            advance(state, month)
            seen.append(np.concatenate([state.hazard, state.on.astype(float)], axis=1))
            if meddle:
                state.adoption[month] = meddle
                state.held[:] = False
        return seen

    for undisturbed, disturbed in zip(window(meddle=0), window(meddle=50), strict=True):
        assert np.array_equal(undisturbed, disturbed)


def test_adoption_three_months_ago_does_start_waves() -> None:
    def waves(adoption: float) -> int:
        origin = fork(
            SETTINGS, CATALOGUE, seed=5, start=0, stop=2048, months=24, as_of=15, horizon=3,
            prior_months=6, min_observed=6,
        )  # fmt: skip
        state = origin.state
        state.adoption[state.month - 2 :] = adoption
        for month in range(state.month + 1, state.month + 4):
            advance(state, month)
        return int((state.wave_until > state.month).sum())

    assert waves(1.0) > 1.4 * waves(0.0)


def test_crosses_have_no_main_effect_and_follow_no_protected_attribute(state: State) -> None:
    weight = Crosses().start_weight(state)
    assert weight.mean() == pytest.approx(1, abs=0.06)
    deciles = np.arange(1, 5) / 5
    attributes = {
        "income": np.digitize(state.income, np.quantile(state.income, deciles)),
        "channel": state.channel,
        "segment": np.minimum(state.segment, 2),
        "metropolis": np.minimum(state.region, 2),
        "age": np.digitize(state.years, np.quantile(state.years, deciles)),
        "gender": np.minimum(state.people.gender, 1),
    }
    for name, value in attributes.items():
        for one in np.unique(value):
            chosen = value == one
            error = weight[chosen].std() / np.sqrt(chosen.sum())
            assert weight[chosen].mean() == pytest.approx(1, abs=0.03 + 3 * error), (name, one)
    # A pair of attributes tells what neither does alone.
    band = np.digitize(state.income, SETTINGS.traces.crosses.income_bounds)
    cells = [
        weight[(band == row) & (state.channel == column)].mean()
        for row in range(4)
        for column in range(4)
    ]
    assert min(cells) < 0.4
    assert max(cells) > 1.6


def test_the_proxy_weakens_over_the_train_months_and_breaks_after_validation(
    state: State,
) -> None:
    link = [
        proxy_link(replace(state, month=SETTINGS.burn_in_months + observed - 1))
        for observed in range(1, 25)
    ]
    train, validation, test = 15, 18, 21
    assert link[0] > link[11] > link[train - 1] > link[validation - 1] > 0.2
    assert set(link[validation:]) == {0.0}
    assert test > validation
