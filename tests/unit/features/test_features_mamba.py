"""The event embedding: true to each customer's own order of events, and to nothing else."""

import datetime as dt
import math
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from training_jobs.features.fitting import NOTHING_VARIES
from training_jobs.features.generator import Fitted, FloatArray
from training_jobs.features.generators.mamba import MambaTemporal
from training_jobs.features.store import fitted_files, read_fitted, write_fitted

NAME = "mamba_temporal"
WIDTH = 50
CHANGED = 1e-5


def generator(**changes: Any) -> MambaTemporal:
    """Return the product's own generator, parameters changed."""
    parameters = bank.group(NAME).parameters.model_copy(update=changes)
    return MambaTemporal(parameters, bank.bank_facts())


@pytest.fixture(scope="module")
def fitted(tables: Path) -> Fitted:
    with bank.view_of(tables, bank.CUTOFF) as view:
        return generator().fit(view)


def embedded(
    tables: Path, fitted: Fitted, customers: list[str] | None = None, *, shards: int = 2
) -> dict[str, FloatArray]:
    """Return the embedding of each customer at the cut-off."""
    with bank.view_of(tables, bank.CUTOFF, customers, shards=shards) as view:
        values = generator().transform(view, fitted)
        return dict(zip(view.customers, values, strict=True))


def rewritten(folder: Path, rows: bank.Rows) -> Path:
    """Write an altered bank, one shard."""
    return bank.write_tables(folder / "tables", rows, shards=1)


def events_of(rows: bank.Rows) -> dict[str, list[bank.Row]]:
    """Return each customer's events inside the look-back at the cut-off, oldest first."""
    after = dt.datetime(2023, 2, 1)
    until = dt.datetime(2024, 2, 1)
    found: dict[str, list[bank.Row]] = defaultdict(list)
    for row in rows.transactions:
        if after <= row["ts"] < until:
            found[row["customer_id"]].append(row)
    for events in found.values():
        events.sort(key=lambda row: row["ts"])
    return found


def test_fifty_numbered_columns_missing_only_without_events(tables: Path, fitted: Fitted) -> None:
    columns = generator().columns(fitted)
    assert [c.name for c in columns] == [f"event_state_{place}" for place in range(1, WIDTH + 1)]
    values, events = embedded(tables, fitted), events_of(bank.standard())
    quiet = {customer for customer in values if not events.get(customer)}
    assert 5 < len(quiet) < len(values) - 20
    for customer, row in values.items():
        assert np.isnan(row).all() if customer in quiet else np.isfinite(row).all()
    present = np.stack([row for customer, row in values.items() if customer not in quiet])
    assert (present.std(axis=0) > 0).all()


def test_neighbours_and_their_number_change_no_byte(tables: Path, fitted: Fitted) -> None:
    whole = embedded(tables, fitted)
    names = list(whole)
    for seed, size in ((1, 60), (2, 33), (3, 2), (4, 1)):
        some = random.Random(seed).sample(names, size)
        for customer, row in embedded(tables, fitted, some).items():
            assert row.tobytes() == whole[customer].tobytes(), customer


@pytest.mark.parametrize("size", [32, 64, 1024])
def test_the_size_of_a_pass_changes_no_byte(tables: Path, fitted: Fitted, size: int) -> None:
    with bank.view_of(tables, bank.CUTOFF) as view:
        expected = generator().transform(view, fitted)
        assert generator(pass_windows=size).transform(view, fitted).tobytes() == expected.tobytes()


def test_threads_and_torch_s_own_random_numbers_change_no_byte_and_are_left_alone(
    tables: Path, fitted: Fitted
) -> None:
    expected, before = embedded(tables, fitted), torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        torch.manual_seed(999)
        state = torch.get_rng_state()
        with bank.view_of(tables, bank.CUTOFF) as view:
            again = generator().fit(view)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == 2
        assert again.values == fitted.values
        for name, array in fitted.arrays.items():
            assert array.tobytes() == again.arrays[name].tobytes(), name
        for customer, row in embedded(tables, fitted).items():
            assert row.tobytes() == expected[customer].tobytes()
    finally:
        torch.set_num_threads(before)


def test_the_order_of_rows_and_of_customers_changes_no_fitted_byte(
    tables: Path, tmp_path: Path, fitted: Fitted
) -> None:
    rows = bank.make_bank()
    random.Random(5).shuffle(rows.transactions)
    mixed = rewritten(tmp_path, rows)
    customers = [row["customer_id"] for row in rows.customers]
    random.Random(6).shuffle(customers)
    with bank.view_of(mixed, bank.CUTOFF, customers, shards=1) as view:
        again = generator().fit(view)
    assert again.values == fitted.values
    assert {k: v.tobytes() for k, v in again.arrays.items()} == {
        k: v.tobytes() for k, v in fitted.arrays.items()
    }


def test_another_seed_gives_other_weights(tables: Path, fitted: Fitted) -> None:
    plan = bank.group(NAME).parameters.pretraining.model_copy(update={"seed": 99})
    with bank.view_of(tables, bank.CUTOFF) as view:
        other = generator(pretraining=plan).fit(view)
    assert not np.array_equal(other.arrays["state.weight"], fitted.arrays["state.weight"])


def test_the_encoder_is_frozen_and_the_same_when_read_from_its_files(
    tables: Path, tmp_path: Path, fitted: Fitted
) -> None:
    before = {name: array.tobytes() for name, array in fitted.arrays.items()}
    expected = embedded(tables, fitted)
    assert {name: array.tobytes() for name, array in fitted.arrays.items()} == before
    model = bank.fitted(tables, only_mamba())
    write_fitted(tmp_path, fitted_files(model))
    read = read_fitted(tmp_path, NAME)
    assert {name: array.tobytes() for name, array in read.arrays.items()} == before
    for customer, row in embedded(tables, read).items():
        assert row.tobytes() == expected[customer].tobytes()


def only_mamba() -> FeaturesSettings:
    """Return settings with this group alone."""
    raw = bank.features().model_dump(mode="json")
    raw["groups"] = [row for row in raw["groups"] if row["name"] == NAME]
    raw["tensors"], raw["private_groups"] = [], []
    return FeaturesSettings.model_validate(raw)


def test_the_same_events_in_another_order_are_another_embedding(
    tables: Path, tmp_path: Path, fitted: Fitted
) -> None:
    """Times stay where they are; what happened at them is dealt out anew within each customer."""
    rows = bank.make_bank()
    draw = random.Random(7)
    reordered: dict[str, int] = {}
    for customer, events in events_of(rows).items():
        told = [(e["amount"], e["direction"], e["category"]) for e in events]
        mixed = draw.sample(told, len(told))
        reordered[customer] = sum(one != other for one, other in zip(told, mixed, strict=True))
        for event, (amount, direction, category) in zip(events, mixed, strict=True):
            event |= {"amount": amount, "direction": direction, "category": category}
    before = embedded(tables, fitted)
    after = embedded(rewritten(tmp_path, rows), fitted, shards=1)
    compared = 0
    for customer, count in reordered.items():
        if count > 1:
            compared += 1
            assert np.abs(after[customer] - before[customer]).max() > CHANGED, customer
    assert compared > 30


@pytest.mark.parametrize("told", ["amount", "direction", "category", "ts"])
def test_each_thing_told_of_an_event_reaches_the_embedding(
    tables: Path, tmp_path: Path, fitted: Fitted, told: str
) -> None:
    rows = bank.make_bank()
    known = list(fitted.values["categories"])
    new = {
        "amount": lambda event: event["amount"] * 50 + 1,
        "direction": lambda event: "debit" if event["direction"] == "credit" else "credit",
        "category": lambda event: known[0] if event["category"] == known[1] else known[1],
        "ts": lambda event: event["ts"] - dt.timedelta(hours=5),
    }[told]
    changed = [events[-1] for events in events_of(rows).values() if len(events) > 9]
    for event in changed:
        event[told] = new(event)
    before = embedded(tables, fitted)
    after = embedded(rewritten(tmp_path, rows), fitted, shards=1)
    moved = {c for c in before if before[c].tobytes() != after[c].tobytes()}
    assert moved == {event["customer_id"] for event in changed}


def test_only_the_newest_events_are_read(tables: Path, tmp_path: Path, fitted: Fitted) -> None:
    """Of one that just falls out of the window, nothing counts but when it was."""
    length = bank.group(NAME).parameters.length
    start = dt.datetime(2023, 3, 1)

    def bank_with(changes: dict[int, bank.Row]) -> bank.Rows:
        rows = bank.make_bank()
        rows.transactions = [r for r in rows.transactions if r["customer_id"] != "C009"]
        rows.transactions += [
            bank.transaction("C009", start + dt.timedelta(days=place), 100 + place)
            | changes.get(place, {})
            for place in range(length + 10)
        ]
        return rows

    def state(name: str, changes: dict[int, bank.Row]) -> FloatArray:
        folder = rewritten(tmp_path / name, bank_with(changes))
        return embedded(folder, fitted, ["C009"], shards=1)["C009"]

    other = {"amount": 10**9, "direction": "credit", "category": bank.CATEGORIES[5]}
    plain = state("plain", {})
    assert state("older", dict.fromkeys(range(10), other)).tobytes() == plain.tobytes()
    assert state("oldest read", {10: other}).tobytes() != plain.tobytes()


def test_odd_events_have_finite_embeddings(tables: Path, tmp_path: Path, fitted: Fitted) -> None:
    """One event; all at one instant; the largest amount; categories nobody knows; a leap day."""
    rows = bank.make_bank()
    odd = {
        "C000": [bank.transaction("C000", dt.datetime(2023, 6, 1), 1)],
        "C001": [bank.transaction("C001", dt.datetime(2023, 6, 1), n + 1) for n in range(80)],
        "C002": [bank.transaction("C002", dt.datetime(2024, 1, 31, 23, 59, 59), 2**62)] * 3,
        "C003": [
            bank.transaction("C003", dt.datetime(2023, month, 28), 5, category=category)
            for month in range(2, 12)
            for category in ("never seen", None)
        ],
    }
    rows.transactions = [r for r in rows.transactions if r["customer_id"] not in odd]
    rows.transactions += [event for events in odd.values() for event in events]
    values = embedded(rewritten(tmp_path, rows), fitted, list(odd), shards=1)
    for customer, row in values.items():
        assert np.isfinite(row).all(), customer
    assert len({row.tobytes() for row in values.values()}) == len(odd)


def test_a_bank_with_a_single_busy_customer_has_no_embedding(tmp_path: Path) -> None:
    rows = bank.make_bank()
    rows.transactions = [r for r in rows.transactions if r["customer_id"] == "C001"]
    folder = rewritten(tmp_path, rows)
    model = bank.fitted(folder, only_mamba(), shards=1)
    assert model.groups == ()
    assert model.absent[NAME] == NOTHING_VARIES


def test_what_pre_training_came_to_is_kept_with_the_weights(fitted: Fitted) -> None:
    account = fitted.values["pretraining"]
    plan = bank.group(NAME).parameters.pretraining
    length = bank.group(NAME).parameters.length
    full, rest = zip(*(divmod(len(e), length) for e in events_of(bank.standard()).values()))
    assert sum(account["windows"].values()) == sum(full) + sum(count > 1 for count in rest)
    assert account["steps"] == math.ceil(account["windows"]["learnt"] / plan.batch) * plan.epochs
    assert account["curve"][-1]["step"] == account["steps"]
    events = [len(e) - 1 for e in events_of(bank.standard()).values() if len(e) > 1]
    assert min(events) <= account["held_out"]["events"] < sum(events)
    # Shares of the category tell the marginal apart from a uniform guess.
    counts = Counter(r["category"] for e in events_of(bank.standard()).values() for r in e)
    entropy = -sum(
        count / counts.total() * math.log(count / counts.total()) for count in counts.values()
    )
    assert account["held_out_marginal"] == pytest.approx(entropy, abs=0.4)
