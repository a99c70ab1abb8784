"""Group 7 as a group: it reads the customer's own months, in their order, and nothing else."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.settings.features import Group
from configs.settings.months import month_range, shift
from tests.unit.features import features_bank as bank
from training_jobs.features.fitting import fit
from training_jobs.features.generator import Fitted
from training_jobs.features.generators.hidden_states import describe
from training_jobs.features.latent.markov import Chain, sequences
from training_jobs.features.model import Clock
from training_jobs.features.registry import GENERATORS

MODES = {"journey": 5, "lifecycle": 5, "behavior": 6}
NAMES = [row["customer_id"] for row in bank.standard().customers]


def generator(group: Group | None = None) -> Any:
    """Return the generator of the product's own settings."""
    group = group or bank.group("hmm_states")
    return GENERATORS.build(group.generator, group.parameters, bank.bank_facts())


def fitted(
    tables: Path, customers: list[str] | None = None, as_of: dt.date = bank.CUTOFF
) -> Fitted:
    """Fit the group on a bank."""
    with bank.view_of(tables, as_of, customers) as view:
        return generator().fit(view)


def columns(
    tables: Path, model: Fitted, customers: list[str] | None = None, as_of: dt.date = bank.CUTOFF
) -> dict[str, np.ndarray]:
    """Return the columns of a bank by name."""
    made = generator()
    with bank.view_of(tables, as_of, customers) as view:
        values = made.transform(view, model)
    return {column.name: values[:, place] for place, column in enumerate(made.columns(model))}


def test_three_modes_have_their_25_columns_and_hang_together(tables: Path) -> None:
    made = columns(tables, fitted(tables))
    assert len(made) == 25
    for mode, states in MODES.items():
        posteriors = np.stack([made[f"{mode}_posterior_{n}"] for n in range(1, states + 1)])
        assert posteriors.sum(axis=0) == pytest.approx(1, abs=1e-6)
        assert (made[f"{mode}_state"] == posteriors.argmax(axis=0) + 1).all()
        dwell = made[f"{mode}_dwell_months"]
        assert set(dwell) <= set(range(1, 13))
        assert len(set(dwell)) > 2
        entropy = made[f"{mode}_transition_entropy"]
        assert (entropy >= 0).all()
        assert (entropy <= np.log(states)).all()
    for name, values in made.items():
        assert len(np.unique(values)) > 1, name


def test_the_fit_does_not_depend_on_the_order_of_customers(tables: Path) -> None:
    model, other = fitted(tables), fitted(tables, NAMES[::-1])
    assert model.values == other.values
    assert set(model.arrays) == set(other.arrays)
    for name, array in model.arrays.items():
        assert array.tobytes() == other.arrays[name].tobytes(), name


def reversed_months(as_of: dt.date) -> bank.Rows:
    """Return the bank with the months of the look-back in reverse, days and hours kept."""
    months = [shift(as_of, -back) for back in range(12)]
    swapped = dict(zip(months, reversed(months), strict=True))
    rows = bank.make_bank()
    for table in ("customer_months", "holdings"):
        for row in rows.of(table):
            row["month"] = swapped.get(row["month"], row["month"])
    for row in rows.transactions:
        end = swapped.get(shift(row["ts"].date(), 0))
        if end is not None:
            row["ts"] = row["ts"].replace(
                year=end.year, month=end.month, day=min(row["ts"].day, end.day)
            )
    return rows


def test_months_in_another_order_are_another_history(tables: Path, tmp_path: Path) -> None:
    model = fitted(tables)
    other = bank.write_tables(tmp_path, reversed_months(bank.CUTOFF), shards=2)
    first, second = columns(tables, model), columns(other, model)
    for mode, states in MODES.items():
        changed = {
            name: np.abs(first[name] - second[name]) > 1e-4
            for name in (
                *(f"{mode}_posterior_{n}" for n in range(1, states + 1)),
                f"{mode}_dwell_months",
                f"{mode}_transition_entropy",
            )
        }
        for name, moved in changed.items():
            assert moved.mean() > 0.1, name
        assert np.any(list(changed.values()), axis=0).mean() > 0.8, mode


def switchers() -> bank.Rows:
    """Return 80 customers of equal totals: half were busy first and quiet later, half reversed."""
    rows = bank.Rows()
    draw = np.random.default_rng(11)
    months = month_range(shift(bank.CUTOFF, -11), bank.CUTOFF)
    for number in range(80):
        name, early = f"S{number:02d}", number % 2 == 0
        rows.customers.append(
            {
                "customer_id": name,
                "birth_year": 1980,
                "gender": "F",
                "joined_on": dt.date(2020, 1, 5),
            }
        )
        counts = sorted(draw.permutation([1, 1, 2, 2, 2, 1, 8, 9, 9, 8, 9, 8]).tolist())
        for month, count in zip(months, reversed(counts) if early else counts, strict=True):
            rows.customer_months.append(
                {
                    "customer_id": name,
                    "month": month,
                    "segment": "basic",
                    "income": 1_000_000 * (1 + number % 3),
                    "channel": "web",
                    "region": "R0",
                    "active": True,
                }
            )
            rows.transactions += [
                bank.transaction(
                    name,
                    dt.datetime(month.year, month.month, 2 + day, 12),
                    1000 + 10 * day,
                    category=bank.CATEGORIES[day],
                    channel=["pos", "web"][day % 2],
                )
                for day in range(count)
            ]
    return rows


def test_a_planted_change_of_regime_shows_where_totals_are_equal(tmp_path: Path) -> None:
    rows = switchers()
    folder = bank.write_tables(tmp_path, rows, shards=2)
    names = [row["customer_id"] for row in rows.customers]
    early = np.arange(len(names)) % 2 == 0
    group = bank.group("txn_behavior")
    with bank.view_of(folder, bank.CUTOFF, names) as view:
        counting = GENERATORS.build(group.generator, group.parameters, bank.bank_facts())
        totals = counting.transform(view, Fitted())[:, :4]
    assert (totals[early].mean(axis=0) == totals[~early].mean(axis=0)).all()
    made = columns(folder, fitted(folder, names), names)
    quiet = made["behavior_posterior_1"] + made["behavior_posterior_2"]
    quiet = quiet + made["behavior_posterior_3"]
    assert quiet[early].min() > 0.9
    assert quiet[~early].max() < 0.1
    assert made["behavior_state"][early].max() < made["behavior_state"][~early].min()


def test_dwell_counts_months_back_to_the_switch_and_no_further_than_the_first_month() -> None:
    """Never switched, 3 months ago, first seen 2 months ago, 6 months ago, and an unseen switch.

    The last has two missing months between low and high. Looking back from the end, the later of
    them is likelier high; looking forward from the start both would be low.
    """
    low, high = -2.0, 2.0
    values = np.full((12, 1, 5), low)
    values[-3:, 0, 1] = high
    values[5, 0, 3] = high
    values[7:9, 0, 4] = np.nan
    values[9:, 0, 4] = high
    observed = np.ones((12, 5), bool)
    observed[:10, 2] = False
    chain = Chain(
        np.array([0.5, 0.5]),
        np.array([[0.9, 0.1], [0.1, 0.9]]),
        np.array([[low], [high]]),
        np.full((2, 1), 0.1),
    )
    made = describe(chain, sequences(values, observed))
    assert list(made[2]) == [1, 2, 1, 1, 2]
    assert list(made[3]) == [12, 3, 2, 6, 4]


def test_without_an_observed_month_everything_is_missing_and_one_month_has_no_moves(
    tmp_path: Path, tables: Path
) -> None:
    rows = bank.make_bank()
    last = {"C010": dt.date(2024, 2, 1), "C011": bank.CUTOFF}
    for table in ("customer_months", "holdings"):
        rows.of(table)[:] = [
            row
            for row in rows.of(table)
            if row["month"] >= last.get(row["customer_id"], dt.date.min)
        ]
    rows.transactions[:] = [r for r in rows.transactions if r["customer_id"] not in last]
    folder = bank.write_tables(tmp_path, rows, shards=2)
    made = columns(folder, fitted(tables))
    nobody, newcomer = NAMES.index("C010"), NAMES.index("C011")
    for name, values in made.items():
        if name.endswith("_state"):
            assert values[nobody] == 0
            assert values[newcomer] > 0
        else:
            assert np.isnan(values[nobody]), name
            assert np.isnan(values[newcomer]) == name.endswith("_transition_entropy"), name
    assert made["journey_dwell_months"][newcomer] == 1


def test_a_mode_that_lost_its_inputs_is_dropped_by_name_and_never_filled(tmp_path: Path) -> None:
    """Cards alone: no credits, no records. Of the life cycle nothing but tenure would be left."""
    rows = bank.make_bank()
    for row in rows.transactions:
        row["direction"] = "debit"
    folder = bank.write_tables(tmp_path, rows, shards=1, tables=("customers", "transactions"))
    model = fit(
        bank.sources(folder, 1),
        customers=NAMES,
        cutoff=bank.CUTOFF,
        bank=bank.bank_facts(()),
        settings=bank.features(),
        clock=Clock(),
    )
    made = next(group for group in model.groups if group.settings.name == "hmm_states")
    assert made.fitted.values["journey_scale_names"] == ["events", "idle_months"]
    assert made.fitted.values["lifecycle_scale_names"] == ["tenure"]
    kept = {column.name.split("_")[0] for column in made.columns}
    assert kept == {"journey", "behavior"}
    gone = {name: why for name, why in made.dropped.items() if name.startswith("lifecycle_")}
    assert len(gone) == len(made.dropped) == 8
    assert gone.pop("lifecycle_state") == "the same for everyone"
    assert set(gone.values()) == {"missing for everyone"}


def test_without_transactions_the_group_is_absent_with_the_reason(tmp_path: Path) -> None:
    kept = ("customers", "customer_months", "holdings")
    folder = bank.write_tables(tmp_path, bank.standard(), shards=1, tables=kept)
    model = bank.fitted(folder, bank.features(), shards=1)
    assert "transactions" in model.absent["hmm_states"]


def test_values_do_not_depend_on_the_batch(tables: Path) -> None:
    model = fitted(tables)
    whole = columns(tables, model)
    for part in (NAMES[:1], NAMES[40:47], NAMES[::-1]):
        places = [NAMES.index(name) for name in part]
        for name, values in columns(tables, model, part).items():
            assert values.tobytes() == whole[name][places].tobytes(), name


def test_parameters_are_frozen_and_the_state_is_not(tables: Path) -> None:
    """Later months move the customer under the same model."""
    model = fitted(tables)
    now, later = columns(tables, model), columns(tables, model, as_of=dt.date(2024, 4, 30))
    assert (now["behavior_state"] != later["behavior_state"]).mean() > 0.2


def test_a_large_sample_is_thinned_evenly_by_id(tables: Path) -> None:
    """EM sees every third customer; the scale is that of all."""
    raw = bank.group("hmm_states").model_dump(mode="json")
    raw["parameters"]["fit_customers"] = 20
    thinned = generator(Group.model_validate(raw))
    with bank.view_of(tables, bank.CUTOFF) as view:
        found, whole = thinned.fit(view), generator().fit(view)
    assert found.values == whole.values
    assert found.arrays["behavior_scale_means"].tobytes() == (
        whole.arrays["behavior_scale_means"].tobytes()
    )
    assert np.abs(found.arrays["behavior_means"] - whole.arrays["behavior_means"]).max() > 1e-3
    with bank.view_of(tables, bank.CUTOFF) as view:
        lanes = thinned.fit_lanes(view, thinned.months(view))
    assert [NAMES[lane] for lane in lanes] == NAMES[::3]
