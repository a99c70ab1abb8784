"""Pre-training learns order, says how well against honest baselines, and resumes to the byte."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.sequence.sequences import SHAPE, cycling, halves, plan, reader_of
from training_jobs.features.errors import FeatureError
from training_jobs.sequence.encoder import EventEncoder, weight_arrays
from training_jobs.sequence.machine import Machine
from training_jobs.sequence.objective import marginal_loss, measure, next_loss, shuffled
from training_jobs.sequence.pretrain import Pretrainer, split_by_hash
from training_jobs.sequence.windows import SIZE
from training_jobs.training.checkpoint import CheckpointStore

LENGTH = 16
LEARNER = SHAPE.model_copy(update={"model_dim": 24, "category_dim": 8, "width": 12, "blocks": 1})


class Cut(Exception):
    """The process dies here."""


def pretrainer(
    *,
    order: bool = True,
    customers: int = 60,
    store: CheckpointStore | None = None,
    die_at: int | None = None,
    **changes: Any,
) -> Pretrainer:
    """A pre-training on customers who go through six categories in turn."""
    history = cycling(customers, events=32, order=order)
    learnt, held = halves(history, LENGTH, held=customers // 5)
    torch.manual_seed(3)
    encoder = EventEncoder(LEARNER, categories=7)

    def report(done: int, total: int, what: str) -> None:
        if done == die_at:
            raise Cut

    return Pretrainer(
        encoder,
        plan(**changes),
        reader_of(history, LENGTH),
        learnt=learnt,
        held=held,
        machine=Machine(
            store=store or CheckpointStore(None, identity="", keep=1),
            checkpoint_steps=3,
            report=report,
        ),
    )


def test_where_order_carries_signal_the_encoder_finds_it_and_elsewhere_it_does_not() -> None:
    account = pretrainer(customers=150, epochs=6).run()
    alike = pretrainer(customers=150, epochs=6, order=False).run()
    assert account["held_out"]["category"] < 0.75, "the turn itself leaves about 0.5 nats"
    assert account["held_out_marginal"] == pytest.approx(math.log(6), abs=0.05)
    assert account["held_out_shuffled"]["category"] > account["held_out"]["category"] + 0.5
    assert alike["held_out"]["category"] > alike["held_out_marginal"] - 0.1
    curve = account["curve"]
    assert curve[-1]["held_out"] < curve[0]["held_out"] - 0.3
    assert curve[-1]["step"] == account["steps"] == math.ceil(240 / 8) * 6


def test_the_report_is_of_the_weights_that_are_left() -> None:
    made = pretrainer(learning_rate=1.0, final_share=1.0, epochs=8, warmup_share=0.0)
    account = made.run()
    assert account["best_step"] < account["steps"], "late steps were to spoil it"
    best = min(made.progress.curve, key=lambda row: abs(row["step"] - account["best_step"]))[
        "held_out"
    ]
    again = measure(made.encoder, made.held_batches())
    assert again.category == pytest.approx(best)
    assert account["held_out"]["category"] == pytest.approx(best, abs=1e-6)


def test_it_stops_when_the_held_out_objective_gets_no_better() -> None:
    account = pretrainer(learning_rate=0.3, epochs=50, warmup_share=0.0, patience=2).run()
    assert account["steps"] == account["best_step"] + 2 * 5


def test_the_cost_is_capped_by_steps() -> None:
    assert pretrainer(max_steps=7).run()["steps"] == 7


@pytest.mark.parametrize("die_at", [5, 10, 25])
def test_a_pre_training_cut_off_anywhere_ends_with_the_same_bytes(
    tmp_path: Path, die_at: int
) -> None:
    whole = pretrainer()
    expected = whole.run()

    def store() -> CheckpointStore:
        return CheckpointStore(tmp_path, identity="this", keep=2)

    with pytest.raises(Cut):
        pretrainer(store=store(), die_at=die_at).run()
    resumed = pretrainer(store=store())
    first = CheckpointStore(tmp_path, identity="this", keep=2).newest()
    assert first is not None
    assert 0 < first.state["progress"]["step"] <= die_at
    assert resumed.run() == expected
    for name, array in weight_arrays(whole.encoder).items():
        assert np.array_equal(array, weight_arrays(resumed.encoder)[name]), name


def test_another_seed_is_another_order_of_the_windows() -> None:
    one, other = pretrainer(), pretrainer(seed=2)
    assert one.run()["curve"] != other.run()["curve"]


def test_a_loss_that_is_not_finite_is_refused_with_a_remedy() -> None:
    made = pretrainer()
    with torch.no_grad():
        made.encoder.state.weight.fill_(float("nan"))
    with pytest.raises(FeatureError, match=r"(?s)not finite at step 0.*learning_rate"):
        made.step()


def test_losses_are_those_of_their_definition() -> None:
    made = pretrainer()
    history = cycling(3, events=9)
    batch = reader_of(history, LENGTH).read(halves(history, LENGTH, held=0)[0])
    with torch.no_grad():
        found = next_loss(made.encoder, batch)
        states = made.encoder(batch)
        scores = made.encoder.next_category(states).log_softmax(-1)
        sizes = made.encoder.next_size(states)
    category, size = 0.0, 0.0
    for row in range(3):
        for place in range(LENGTH - 9, LENGTH - 1):
            category -= float(scores[row, place, batch.category[row, place + 1]])
            size += float(sizes[row, place, 0] - batch.fields[row, place + 1, SIZE]) ** 2
    assert found.events == 3 * 8
    assert float(found.category) == pytest.approx(category, rel=1e-5)
    assert float(found.size) == pytest.approx(size, rel=1e-5)


def test_the_marginal_loss_is_that_of_smoothed_shares() -> None:
    made = pretrainer()
    counts = np.array([0, 5, 1, 1, 1, 1, 1])
    seen: Counter[int] = Counter()
    for batch in made.held_batches():
        for row in range(len(batch.valid)):
            codes = batch.category[row][batch.valid[row]].tolist()
            seen.update(codes[1:])
    total = sum(
        -count * math.log((counts[code] + 1) / (counts.sum() + 7)) for code, count in seen.items()
    )
    found = marginal_loss(counts, made.held_batches())
    assert found == pytest.approx(total / sum(seen.values()))


def test_shuffling_keeps_the_events_and_the_padding_and_changes_the_order() -> None:
    history = cycling(30, events=9)
    batch = reader_of(history, LENGTH).read(halves(history, LENGTH, held=0)[0])
    (mixed,) = shuffled([batch], seed=1)
    assert torch.equal(mixed.valid, batch.valid)
    assert not mixed.fields[~batch.valid].any()
    moved = 0
    for row in range(30):

        def pairs(given: Any, row: int = row) -> list[tuple[float, ...]]:
            return [
                (float(code), *fields.tolist())
                for code, fields in zip(given.category[row, -9:], given.fields[row, -9:])
            ]

        assert sorted(pairs(mixed)) == sorted(pairs(batch))
        moved += pairs(mixed) != pairs(batch)
    assert moved == 30


def test_held_out_customers_are_chosen_by_hash_of_their_ids() -> None:
    ids = [f"C{number:03d}" for number in range(50)]
    learnt, held = split_by_hash(ids, share=0.2, seed=1)
    assert len(held) == 10
    assert sorted([*learnt, *held]) == list(range(50))
    backwards, back_held = split_by_hash(ids[::-1], share=0.2, seed=1)
    assert [ids[place] for place in held] == [ids[::-1][place] for place in back_held]
    assert [ids[place] for place in learnt] == [ids[::-1][place] for place in backwards]
    assert set(split_by_hash(ids, share=0.2, seed=2)[1]) != set(held)
    assert [len(part) for part in split_by_hash(ids[:2], share=0.01, seed=1)] == [1, 1]
