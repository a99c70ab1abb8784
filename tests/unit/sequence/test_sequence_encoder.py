"""The embedding is of one window alone: order counts, padding and neighbours do not."""

from dataclasses import replace

import numpy as np
import torch

from tests.unit.sequence.sequences import SHAPE, cycling, reader_of
from training_jobs.sequence.encoder import EventEncoder, load_encoder, weight_arrays
from training_jobs.sequence.machine import one_thread
from training_jobs.sequence.scan import scan_recurrence
from training_jobs.sequence.windows import Batch, newest

LENGTH = 10
CHANGED = 1e-4


def encoder() -> EventEncoder:
    """An encoder whose biases are not zero, as after training."""
    torch.manual_seed(0)
    made = EventEncoder(SHAPE, categories=7)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.eval().requires_grad_(False)


def windows(length: int = LENGTH, events: int = 14) -> Batch:
    """Forty full windows."""
    history = cycling(40, events=events)
    return reader_of(history, length).read(newest(history))


def picked(batch: Batch, rows: torch.Tensor) -> Batch:
    return Batch(batch.category[rows], batch.fields[rows], batch.valid[rows])


def test_the_embedding_is_the_mean_of_the_states_after_each_event() -> None:
    made, batch = encoder(), windows(length=LENGTH, events=7)
    assert batch.valid.sum(dim=1).unique().tolist() == [7]
    expected = made(batch)[:, -7:].mean(dim=1)
    torch.testing.assert_close(made.embed(batch), expected)


def test_the_state_after_an_event_knows_no_later_event() -> None:
    made, batch = encoder(), windows()
    fields = batch.fields.clone()
    fields[:, 6] += 1
    moved = (made(batch) - made(replace(batch, fields=fields))).abs().amax(dim=2)
    assert not moved[:, :6].any()
    assert float(moved[:, 6:].max(dim=1).values.min()) > CHANGED


def test_order_changes_the_embedding_though_the_events_are_the_same() -> None:
    made, batch = encoder(), windows()
    order = torch.arange(LENGTH).flip(0)
    other = Batch(batch.category[:, order], batch.fields[:, order], batch.valid)
    assert float((made.embed(batch) - made.embed(other)).abs().amax(dim=1).min()) > CHANGED


def test_more_padding_changes_no_embedding() -> None:
    made = encoder()
    short, long = windows(length=7, events=7), windows(length=23, events=7)
    torch.testing.assert_close(made.embed(short), made.embed(long), rtol=1e-5, atol=1e-6)


def test_what_stands_in_the_padding_changes_nothing_at_all() -> None:
    made, batch = encoder(), windows(events=7)
    junk = windows(events=14)
    dirty = Batch(
        torch.where(batch.valid, batch.category, junk.category),
        torch.where(batch.valid.unsqueeze(-1), batch.fields, junk.fields * 100),
        batch.valid,
    )
    assert torch.equal(made.embed(batch), made.embed(dirty))


def test_a_window_has_the_same_bytes_wherever_it_stands_in_a_pass() -> None:
    made, batch = encoder(), windows()
    batch = picked(batch, torch.arange(32))
    with one_thread():
        whole = made.embed(batch)
        for seed in range(5):
            order = torch.randperm(32, generator=torch.Generator().manual_seed(seed))
            assert torch.equal(made.embed(picked(batch, order)), whole[order])
        alone = picked(batch, torch.full((32,), 11))
        assert torch.equal(made.embed(alone), whole[11].expand(32, -1))


def test_weights_come_back_from_arrays_and_the_scan_may_be_another() -> None:
    made, batch = encoder(), windows()
    arrays = weight_arrays(made)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    again = load_encoder(SHAPE, arrays, categories=7)
    assert torch.equal(again.embed(batch), made.embed(batch))
    slow = load_encoder(SHAPE, arrays, categories=7, scan=scan_recurrence)
    torch.testing.assert_close(slow.embed(batch), made.embed(batch), rtol=1e-5, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in again.parameters())
