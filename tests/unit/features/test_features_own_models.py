"""Group 13: the closed-form cell against scalars, the bandit against its definition."""

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from configs.settings.generators.latent import Bandit, ClosedForm
from configs.settings.glossary import Glossary
from tests.unit.features import features_bank as bank
from training_jobs.features.fitting import fit
from training_jobs.features.generator import Fitted
from training_jobs.features.latent.closed_form import Cell, draw_cell, step
from training_jobs.features.latent.reservoir import AMOUNT, INPUTS, states
from training_jobs.features.latent.scaling import Scale, fit_scale
from training_jobs.features.latent.trials import posterior
from training_jobs.features.model import Clock
from training_jobs.features.registry import GENERATORS

NETWORK = ClosedForm(
    units=5, seed=3, events=7, recurrent_scale=0.9, input_scale=0.7, days=7, limit=4
)
NAMES = [row["customer_id"] for row in bank.standard().customers]
FLOW = [f"event_flow_state_{number}" for number in range(1, 19)]


def by_scalars(cell: Cell, state: list[float], inputs: list[float], elapsed: float) -> list[float]:
    """Return the paper's closed form, unit by unit: x = s(-ft) g + (1 - s(-ft)) h."""
    made = []
    for unit in range(len(state)):
        f, g, h = (
            cell.biases[head, unit]
            + sum(w * x for w, x in zip(cell.weights[head, unit], [*state, *inputs], strict=True))
            for head in range(3)
        )
        gate = 1 / (1 + math.exp(f * elapsed))
        made.append(gate * math.tanh(g) + (1 - gate) * math.tanh(h))
    return made


def test_the_cell_is_the_closed_form_of_the_paper() -> None:
    draw = np.random.default_rng(0)
    cell = draw_cell(NETWORK, INPUTS)
    state, inputs = draw.normal(size=(5, 40)), draw.normal(size=(INPUTS, 40))
    elapsed = np.concatenate([[0.0], draw.exponential(3, size=39)])
    made = step(cell, state, inputs, elapsed)
    for lane in range(40):
        expected = by_scalars(cell, list(state[:, lane]), list(inputs[:, lane]), elapsed[lane])
        assert made[:, lane] == pytest.approx(expected, abs=1e-12)


def test_time_moves_the_state_from_the_middle_to_one_of_two_ends() -> None:
    cell = draw_cell(NETWORK, INPUTS)
    state, inputs = np.zeros((5, 1)), np.ones((INPUTS, 1))
    heads = cell.biases + cell.weights[:, :, 5:].sum(axis=2)
    at_once = step(cell, state, inputs, np.zeros(1))[:, 0]
    assert at_once == pytest.approx((np.tanh(heads[1]) + np.tanh(heads[2])) / 2)
    for days in (1e6, 1e300):
        ends = step(cell, state, inputs, np.full(1, days))[:, 0]
        assert ends == pytest.approx(np.where(heads[0] > 0, np.tanh(heads[2]), np.tanh(heads[1])))


def test_weights_follow_the_seed_and_nothing_else() -> None:
    first, again = draw_cell(NETWORK, INPUTS), draw_cell(NETWORK, INPUTS)
    assert first.weights.tobytes() == again.weights.tobytes()
    other = draw_cell(NETWORK.model_copy(update={"seed": 4}), INPUTS)
    assert (first.weights != other.weights).all()


def amounts(tables: Path) -> Scale:
    """Return the scale of the amounts of the bank."""
    with bank.view_of(tables, bank.CUTOFF) as view:
        given = {AMOUNT: view.events.amount.astype(np.float64)}
    return fit_scale(given, money={AMOUNT}, counts=(), limit=4)


@pytest.mark.parametrize("most", [7, 500])
def test_the_network_reads_the_newest_events_with_their_gaps(tables: Path, most: int) -> None:
    """Against a loop over the raw rows: some events or all, then the silence up to `as_of`."""
    network = NETWORK.model_copy(update={"events": most})
    cell, scale = draw_cell(network, INPUTS), amounts(tables)
    with bank.view_of(tables, bank.CUTOFF) as view:
        made = states(view.events, view.as_of, cell=cell, scale=scale, settings=network)
    end = dt.datetime.combine(bank.CUTOFF + dt.timedelta(days=1), dt.time())
    cut_off: list[bool] = []
    for lane, name in enumerate(NAMES):
        events = sorted(
            (
                row
                for row in bank.standard().transactions
                if row["customer_id"] == name
                and dt.date(2023, 1, 31) < row["ts"].date() <= bank.CUTOFF
            ),
            key=lambda row: (row["ts"], row["amount"], row["direction"] == "credit"),
        )
        cut_off.append(len(events) > most)
        if not events:
            assert np.isnan(made[:, lane]).all()
            continue
        state, before = [0.0] * 5, events[0]["ts"].replace(microsecond=0)
        if cut_off[-1]:
            before = events[-most - 1]["ts"].replace(microsecond=0)
        for row in events[-most:]:
            moment = row["ts"].replace(microsecond=0)
            amount = (math.log1p(row["amount"] / scale.units[0]) - scale.means[0]) / scale.sds[0]
            angle = 2 * math.pi * moment.hour / 24
            inputs = [
                max(-4.0, min(4.0, amount)),
                1.0 if row["direction"] == "debit" else -1.0,
                math.sin(angle),
                math.cos(angle),
            ]
            gap = (moment - before).total_seconds() / 86_400 / 7
            state, before = by_scalars(cell, state, inputs, gap), moment
        silence = (end - before).total_seconds() / 86_400 / 7
        state = by_scalars(cell, state, [0.0] * INPUTS, silence)
        assert made[:, lane] == pytest.approx(state, abs=1e-9), name
    assert any(cut_off) == (most == 7)


def test_a_first_event_knows_no_gap_and_least_of_all_one_to_another_customer(
    tables: Path, tmp_path: Path
) -> None:
    moment = dt.datetime(2023, 12, 24, 18)
    rows = bank.Rows(
        customers=bank.standard().customers[:2],
        transactions=[
            bank.transaction("C000", dt.datetime(2023, 3, 1, 9), 77),
            bank.transaction("C001", moment, 5000),
        ],
    )
    folder = bank.write_tables(tmp_path, rows, shards=2)
    cell, scale = draw_cell(NETWORK, INPUTS), amounts(tables)
    with bank.view_of(folder, bank.CUTOFF, NAMES[:2]) as view:
        made = states(view.events, view.as_of, cell=cell, scale=scale, settings=NETWORK)
    amount = (math.log1p(5000 / scale.units[0]) - scale.means[0]) / scale.sds[0]
    inputs = [amount, 1.0, math.sin(2 * math.pi * 18 / 24), math.cos(2 * math.pi * 18 / 24)]
    state = by_scalars(cell, [0.0] * 5, inputs, 0.0)
    silence = (dt.datetime(2024, 2, 1) - moment).total_seconds() / 86_400 / 7
    expected = by_scalars(cell, state, [0.0] * INPUTS, silence)
    assert made[:, 1] == pytest.approx(expected, abs=1e-12)


def product() -> Any:
    """Return the generator of the product's own settings."""
    group = bank.group("model_derived")
    return GENERATORS.build(group.generator, group.parameters, bank.bank_facts())


def columns(tables: Path, model: Fitted) -> dict[str, np.ndarray]:
    """Return the columns of a bank by name."""
    made = product()
    with bank.view_of(tables, bank.CUTOFF) as view:
        values = made.transform(view, model)
    return {column.name: values[:, place] for place, column in enumerate(made.columns(model))}


def learnt(tables: Path) -> Fitted:
    """Fit the group on a bank."""
    with bank.view_of(tables, bank.CUTOFF) as view:
        return product().fit(view)


def test_columns_vary_and_the_18_states_are_not_one_state(tables: Path) -> None:
    made = columns(tables, learnt(tables))
    assert len(made) == 27
    for name, values in made.items():
        assert len(np.unique(values[~np.isnan(values)])) > 3, name
    reservoir = np.stack([made[name] for name in FLOW])
    reservoir = reservoir[:, ~np.isnan(reservoir[0])]
    correlation = np.corrcoef(reservoir) - np.eye(18)
    assert np.abs(correlation).max() < 0.98
    assert np.abs(reservoir).max() <= 1
    assert (reservoir.std(axis=1) > 0.05).all()


def moved(first: dict[str, np.ndarray], second: dict[str, np.ndarray], name: str) -> float:
    """Return the share of customers with events whose value differs."""
    there = ~np.isnan(first[name])
    return float((np.abs(first[name] - second[name])[there] > 1e-4).mean())


def test_order_matters_at_equal_times_and_equal_amounts(tables: Path, tmp_path: Path) -> None:
    """Each customer's amounts are dealt to the same moments in reverse."""
    rows = bank.make_bank()
    for name in NAMES:
        own = sorted(
            (r for r in rows.transactions if r["customer_id"] == name), key=lambda r: r["ts"]
        )
        inside = [row for row in own if row["ts"].date() <= bank.CUTOFF]
        dealt = [(row["amount"], row["direction"]) for row in reversed(inside)]
        for row, (amount, direction) in zip(inside, dealt, strict=True):
            row["amount"], row["direction"] = amount, direction
    model = learnt(tables)
    first = columns(tables, model)
    second = columns(bank.write_tables(tmp_path, rows, shards=2), model)
    for name in FLOW:
        assert moved(first, second, name) > 0.9, name


def test_the_network_remembers_ten_events_back_and_has_forgotten_where_it_stops_reading(
    tables: Path,
) -> None:
    """What the customer did ten events ago still shows; what lies before the newest 64 does not."""
    made, model = product(), learnt(tables)
    cell = Cell(model.arrays["weights"], model.arrays["biases"])
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(100, INPUTS, 50))
    gaps = draw.exponential(0.4, size=(100, 50))
    assert made.parameters.network.events == 64

    def run(changed: int | None) -> np.ndarray:
        state = np.zeros((18, 50))
        for place in range(100):
            given = -inputs[place] if changed == 99 - place else inputs[place]
            state = step(cell, state, given, gaps[place])
        return state

    usual = run(None)
    assert np.abs(run(10) - usual).mean() > 1e-3
    assert np.abs(run(64) - usual).max() < 1e-3


def test_gaps_matter_at_equal_order_and_equal_amounts(tables: Path, tmp_path: Path) -> None:
    """Every other event is moved half of the way to the one before it; hours are kept."""
    rows = bank.make_bank()
    for name in NAMES:
        own = sorted(
            (r for r in rows.transactions if r["customer_id"] == name), key=lambda r: r["ts"]
        )
        inside = [row for row in own if dt.date(2023, 1, 31) < row["ts"].date() <= bank.CUTOFF]
        for before, row in zip(inside[1:-1:2], inside[2:-1:2]):
            days = (row["ts"] - before["ts"]).days
            row["ts"] -= dt.timedelta(days=days // 2)
    model = learnt(tables)
    first = columns(tables, model)
    second = columns(bank.write_tables(tmp_path, rows, shards=2), model)
    for name in FLOW:
        assert moved(first, second, name) > 0.5, name


SETTINGS = Bandit(settle_days=90, reward_days=60, prior_successes=1, prior_failures=2, upper=0.9)


@pytest.mark.parametrize(("tried", "succeeded"), [(0, 0), (1, 0), (1, 1), (7, 3), (400, 399)])
def test_the_posterior_is_that_of_beta_and_bernoulli(tried: int, succeeded: int) -> None:
    got = posterior(np.array([tried], float), np.array([succeeded], float), SETTINGS)[:, 0]
    own = beta(1 + succeeded, 2 + tried - succeeded)
    assert got == pytest.approx([own.mean(), own.std(), own.ppf(0.9), tried], rel=1e-10)


def test_without_a_categorised_event_the_bandit_is_missing_and_without_a_trial_the_prior_stands(
    tables: Path, tmp_path: Path
) -> None:
    rows = bank.make_bank()
    for row in rows.transactions:
        if row["customer_id"] == "C001":
            row["category"] = None
    once = bank.transaction("C006", dt.datetime(2024, 1, 20, 10), 500)
    rows.transactions.append(once)
    model = learnt(tables)
    made = columns(bank.write_tables(tmp_path, rows, shards=2), model)
    prior = product().parameters.bandit
    expected = posterior(np.zeros(1), np.zeros(1), prior)[:, 0]
    names = [name for name in made if name.startswith("new_category_")]
    assert len(names) == 4
    for name, value in zip(names, expected, strict=True):
        assert np.isnan(made[name][NAMES.index("C001")]), name
        assert np.isnan(made[name][NAMES.index("C012")]), name
        assert made[name][NAMES.index("C006")] == pytest.approx(value), name


def test_what_does_not_mean_consumption_is_no_trial(tables: Path, tmp_path: Path) -> None:
    """A credit in a category never used before is neither a trial nor a return."""
    rows = bank.make_bank()
    for name in NAMES:
        for code, day in ((bank.CATEGORIES[1], 3), ("NEW1", 5), ("NEW1", 9), ("NEW2", 20)):
            moment = dt.datetime(2023, 9, day, 12)
            rows.transactions.append(
                bank.transaction(name, moment, 900, direction="credit", category=code)
            )
    model = learnt(tables)
    first = columns(tables, model)
    second = columns(bank.write_tables(tmp_path, rows, shards=2), model)
    for name in first:
        if name.startswith("new_category_"):
            assert np.array_equal(first[name], second[name], equal_nan=True), name


def test_without_transactions_only_the_distances_are_left(tmp_path: Path) -> None:
    folder = bank.write_tables(
        tmp_path,
        bank.standard(),
        shards=1,
        tables=("customers", "customer_months", "holdings"),
    )
    model = fit(
        bank.sources(folder, 1),
        customers=NAMES,
        cutoff=bank.CUTOFF,
        bank=bank.bank_facts(),
        settings=bank.features(),
        clock=Clock(),
    )
    by_name = {group.settings.name: group for group in model.groups}
    made = by_name["model_derived"]
    assert [c.name for c in made.columns] == [f"centroid_distance_{n}" for n in range(1, 6)]
    assert set(made.dropped.values()) == {"missing for everyone"}
    left = made.fitted.values["aggregate_names"]
    assert left == ["products_held", "recorded_income", "tenure"]
    assert by_name["gmm_clustering"].fitted.values["aggregate_names"] == left


def test_the_glossary_says_the_days_and_the_bound_that_are_configured() -> None:
    glossary: Glossary = bank.features().glossary
    bandit = product().parameters.bandit
    for column, figures in {
        "new_category_reuse_mean": [bandit.reward_days],
        "new_category_reuse_upper": [round(100 * bandit.upper)],
        "new_category_trials": [bandit.settle_days, bandit.reward_days],
    }.items():
        entry = glossary.resolve(column, {})
        for figure in figures:
            assert str(figure) in entry.sentence.ko, column
            assert str(figure) in entry.sentence.en, column


def test_the_glossary_orders_states_by_the_series_that_are_configured_first() -> None:
    words = {
        "products_held": ("보유 상품", "products"),
        "credits": ("입금액", "credits"),
        "spend": ("지출", "spend"),
    }
    first = {mode.name: mode.series[0] for mode in bank.group("hmm_states").parameters.modes}
    columns = {f"{mode}_state": name for mode, name in first.items()}
    columns["cluster"] = product().parameters.aggregates.names[0]
    assert bank.group("gmm_clustering").parameters.aggregates == product().parameters.aggregates
    for column, name in columns.items():
        sentence = bank.features().glossary.resolve(column, {}).sentence
        assert words[name][0] in sentence.ko, column
        assert words[name][1] in sentence.en, column
