"""Temporal: order and time decide, padding does not, and the fast scan is the recurrence."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from configs.settings.experts import TemporalConfig
from tests.unit.teacher.teaching import CATEGORIES, LENGTH, batch, inputs
from training_jobs.experts.base import ExpertError
from training_jobs.experts.batch import Batch, Events
from training_jobs.experts.branches import (
    AttentionBranch,
    LiquidBranch,
    MambaBranch,
)
from training_jobs.experts.temporal import Temporal
from training_jobs.experts.tokens import EventTokens

CONFIG = TemporalConfig(
    output_dim=5,
    dropout=0.0,
    category_dim=4,
    model_dim=8,
    max_tokens=7,
    state_dim=4,
    heads=2,
    conv_width=3,
)
BRANCHES = (MambaBranch, LiquidBranch, AttentionBranch)
CHANGED = 1e-4
"""Smallest change of an output that counts as one; rounding moves it by 1e-6."""


def expert() -> Temporal:
    torch.manual_seed(0)
    return Temporal(CONFIG, inputs()).eval()


def events_of(rows: Batch) -> Events:
    assert rows.events is not None
    return rows.events


def reordered(rows: Batch, order: list[int]) -> Batch:
    """The same events at the same gaps, in another order."""
    events = events_of(rows)
    return replace(
        rows,
        events=replace(
            events,
            amount=events.amount[:, order],
            category=events.category[:, order],
            hour=events.hour[:, order],
        ),
    )


def moved(model: Callable[[Batch], Tensor], one: Batch, other: Batch) -> float:
    """The smallest change of any row's output."""
    with torch.no_grad():
        return float((model(one) - model(other)).abs().max(dim=1).values.min())


def swap(first: int, second: int) -> list[int]:
    order = list(range(LENGTH))
    order[first], order[second] = second, first
    return order


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(swap(0, 1), id="inside the newest patch"),
        pytest.param(swap(4, 5), id="inside an older patch"),
        pytest.param(swap(1, 9), id="across patches"),
        pytest.param(list(reversed(range(LENGTH))), id="reversed"),
    ],
)
def test_order_of_events_changes_the_output(order: list[int]) -> None:
    model, rows = expert(), batch()
    assert model.tokens.patch == 2
    assert moved(model, rows, reordered(rows, order)) > CHANGED


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_branch_sees_the_order_on_its_own(branch: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model, tokens, rows = branch(CONFIG).eval(), expert().tokens, batch()

    def state(given: Batch) -> Tensor:
        out: Tensor = model(tokens(events_of(given)))
        return out

    # Whole patches change place: what a bag of patches would not notice.
    order = [6, 7, 2, 3, 4, 5, 0, 1, 8, 9, 10, 11]
    assert moved(state, rows, reordered(rows, order)) > CHANGED


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_branch_sees_the_time_between_events_on_its_own(branch: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model, tokens, rows = branch(CONFIG).eval(), expert().tokens, batch()
    # Only what the branch itself is told of time: the values of the tokens stay the same.
    here = tokens(events_of(rows))
    later = replace(here, elapsed=here.elapsed + 1.5, age=here.age + 1.5)
    with torch.no_grad():
        change = (model(here) - model(later)).abs().max()
    assert (float(change) > CHANGED) == (branch is not MambaBranch), "Mamba reads time as a value"


def test_gaps_change_the_output() -> None:
    model, rows = expert(), batch()
    events = events_of(rows)
    slower = replace(rows, events=replace(events, gap_days=events.gap_days * 3 + 1))
    assert moved(model, rows, slower) > CHANGED


def padded_batch() -> tuple[Batch, Tensor]:
    """Rows with 0, 1, an odd number of and all events; everything beyond the length is 0."""
    rows = batch(4)
    events = events_of(rows)
    length = torch.tensor([0, 1, 7, LENGTH])
    valid = torch.arange(LENGTH) < length.unsqueeze(1)
    cut = Events(
        events.amount * valid,
        events.category * valid,
        events.gap_days * valid,
        events.hour * valid,
        length,
    )
    return replace(rows, events=cut), valid


def test_what_stands_in_the_padding_changes_nothing() -> None:
    model = expert()
    rows, valid = padded_batch()
    events, junk = events_of(rows), events_of(batch(4, seed=9))
    dirty = Events(
        torch.where(valid, events.amount, junk.amount),
        torch.where(valid, events.category, junk.category),
        torch.where(valid, events.gap_days, junk.gap_days),
        torch.where(valid, events.hour, junk.hour),
        events.length,
    )
    with torch.no_grad():
        assert torch.equal(model(rows), model(replace(rows, events=dirty)))


def test_more_padding_changes_nothing() -> None:
    """The same weights over eight places and over twelve, patches of two either way."""
    wide = expert()
    with torch.no_grad():
        # Biases that start at zero would hide a padded token's own write.
        for parameter in wide.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    shorter = CONFIG.model_copy(update={"max_tokens": 5})
    short = Temporal(shorter, inputs(event_length=8)).eval()
    short.load_state_dict(wide.state_dict())
    assert (wide.tokens.patch, short.tokens.patch) == (2, 2)
    rows, _ = padded_batch()
    rows = rows.select(torch.tensor([0, 1, 2]))
    events = events_of(rows)
    narrow = Events(
        events.amount[:, :8],
        events.category[:, :8],
        events.gap_days[:, :8],
        events.hour[:, :8],
        events.length,
    )
    with torch.no_grad():
        torch.testing.assert_close(
            wide(rows), short(replace(rows, events=narrow)), rtol=0, atol=1e-6
        )


def test_a_customer_without_events_has_a_finite_output() -> None:
    rows, _ = padded_batch()
    assert torch.isfinite(expert()(rows)).all()


def test_scale_is_measured_on_events_and_not_on_padding() -> None:
    clean, dirty = expert(), expert()
    rows, valid = padded_batch()
    events = events_of(rows)
    huge = replace(events, amount=torch.where(valid, events.amount, 1e6))
    clean.prepare(rows)
    dirty.prepare(replace(rows, events=huge))
    assert torch.equal(clean.tokens.scale, dirty.tokens.scale)
    sizes = events.amount.abs()[valid].double()
    torch.testing.assert_close(
        clean.tokens.scale[0].double(), torch.stack([sizes.mean(), sizes.std()]), rtol=1e-6, atol=0
    )


def test_tokens_are_the_events_oldest_first_and_close_with_as_of() -> None:
    tokens = EventTokens(categories=CATEGORIES, category_dim=2, dim=4, length=4, most=5)
    gaps = torch.tensor([[1.0, 2.0, 4.0, 0.0]])
    events = Events(
        torch.ones(1, 4),
        torch.ones(1, 4, dtype=torch.int64),
        gaps,
        torch.zeros(1, 4, dtype=torch.int64),
        torch.tensor([3]),
    )
    made = tokens(events)
    assert made.valid.tolist() == [[False, True, True, True, True]]
    # Ages 7, 3, 1 and 0 days; the padding before them has neither age nor elapsed time.
    torch.testing.assert_close(made.age.expm1(), torch.tensor([[0.0, 7.0, 3.0, 1.0, 0.0]]))
    torch.testing.assert_close(made.elapsed.expm1(), torch.tensor([[0.0, 0.0, 4.0, 2.0, 1.0]]))


def test_branch_shares_are_learned_and_sum_to_one() -> None:
    model = expert()
    assert model.branch_shares().tolist() == pytest.approx([1 / 3] * 3)
    with torch.no_grad():
        model.mix.copy_(torch.tensor([30.0, 0.0, 0.0]))
    rows = batch()
    tokens = model.tokens(events_of(rows))
    scan_only = model.norms[0](model.branches[0](tokens))
    assert model.columns is not None
    expected = model.head(torch.cat([scan_only, model.columns(rows)], dim=1))
    torch.testing.assert_close(model(rows), expected)


def test_one_row_gives_what_it_gives_among_others() -> None:
    model, rows = expert(), batch(6)
    alone = model(rows.select(torch.tensor([4])))
    assert alone.shape == (1, CONFIG.output_dim)
    torch.testing.assert_close(alone[0], model(rows)[4], rtol=0, atol=1e-6)


def test_rows_without_events_are_refused_with_a_remedy() -> None:
    with pytest.raises(ExpertError, match="no events"):
        expert()(replace(batch(), events=None))
