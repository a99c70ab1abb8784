"""Gates: shares sum to 1, depend on the customer, are recorded, and are those of the weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.settings.teacher import Ple, TeacherSettings
from tests.fixtures.training_stages import column, read, teach, teacher_settings
from tests.unit.teacher.teaching import layout_and_tasks, network, rows_of, saved_network
from training_jobs.ple.gates import Phase, TaskGates, collapse
from training_jobs.ple.layer import Extraction, ExtractionLayer
from training_jobs.ple.model import private_owners
from training_jobs.training.score import Scores, score

SPLITS = ("train", "selection", "calibration", "test", "score")
ROUNDING = 1e-5
PLE = Ple(
    layers=2,
    width=4,
    gate="softmax",
    private="task",
    private_hidden=4,
    tower_hidden=4,
    dropout=0.0,
)


def recorded(taught: Path, split: str, tasks: list[str]) -> np.ndarray:
    """[n, T, L + 1] shares as they stand in the file."""
    table = read(taught / "gates", split)
    return np.stack([column(table, task) for task in tasks], axis=1)


def names(phase0: Path) -> list[str]:
    return [task.name for task in layout_and_tasks(phase0)[1]]


@pytest.mark.parametrize("split", SPLITS)
def test_recorded_shares_sum_to_one_per_task_and_customer(
    phase0: Path, taught: Path, split: str
) -> None:
    shares = recorded(taught, split, names(phase0))
    lenses = json.loads((taught / "model.json").read_text())["lenses"]
    assert shares.shape[1:] == (len(names(phase0)), len(lenses))
    assert float(shares.min()) >= 0
    np.testing.assert_allclose(shares.sum(axis=2), 1, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("split", SPLITS)
def test_recorded_shares_differ_between_customers_and_tasks(
    phase0: Path, taught: Path, split: str
) -> None:
    shares = recorded(taught, split, names(phase0))
    assert float(shares.std(axis=0).min()) > 1e-4, "a gate that ignores its customer"
    assert float(shares.std(axis=1).max()) > 1e-3, "a gate that ignores its task"


@pytest.mark.parametrize("split", SPLITS)
def test_gates_and_predictions_stand_on_the_rows_of_the_examples(
    phase0: Path, taught: Path, split: str
) -> None:
    rows = rows_of(phase0, split)
    for kind in ("gates", "predictions"):
        table = read(taught / kind, split)
        assert table.select(["customer_id", "as_of"]).combine_chunks().equals(rows.keys)
        assert column(table, "cold").tolist() == rows.cold.tolist()


def rescored(phase0: Path, taught: Path, name: str, split: str) -> tuple[Scores, np.ndarray]:
    """What the saved weights say of a split, and the folds of its rows."""
    model, statistics = saved_network(phase0, taught, name)
    rows = rows_of(phase0, split)
    # Another batch size than the stage's: shares are a matter of the row alone.
    return score(model, rows.batch, statistics, size=7, device=torch.device("cpu")), rows.fold


def compare(phase0: Path, taught: Path, scores: Scores, split: str, where: np.ndarray) -> None:
    found = recorded(taught, split, names(phase0))[where]
    np.testing.assert_allclose(found, scores.shares[where], rtol=0, atol=ROUNDING)
    table = read(taught / "predictions", split)
    for task in names(phase0):
        expected = scores.predictions[task][where]
        np.testing.assert_allclose(column(table, task)[where], expected, rtol=1e-4, atol=ROUNDING)


@pytest.mark.parametrize("split", SPLITS[1:])
def test_shares_and_predictions_are_those_of_the_saved_weights(
    phase0: Path, taught: Path, split: str
) -> None:
    scores, fold = rescored(phase0, taught, "weights", split)
    compare(phase0, taught, scores, split, np.ones(len(fold), dtype=bool))


@pytest.mark.parametrize("fold", [0, 1])
def test_train_rows_are_scored_by_the_weights_that_left_their_fold_out(
    phase0: Path, taught: Path, fold: int
) -> None:
    scores, folds = rescored(phase0, taught, f"weights-fold{fold}", "train")
    compare(phase0, taught, scores, "train", folds == fold)
    full, _ = rescored(phase0, taught, "weights", "train")
    ours = recorded(taught, "train", names(phase0))[folds == fold]
    assert float(np.abs(ours - full.shares[folds == fold]).max()) > 100 * ROUNDING


def test_lenses_stand_in_the_order_of_their_names_however_settings_arrive() -> None:
    raw = teacher_settings()
    raw["experts"] = dict(reversed(raw["experts"].items()))
    assert list(TeacherSettings.model_validate(raw).experts) == ["deepfm", "lightgcn", "temporal"]


def test_shares_follow_the_customer_and_not_the_place_in_the_batch(phase0: Path) -> None:
    rows = rows_of(phase0, "selection")
    model, statistics = network(phase0, rows_of(phase0, "train"))
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))
    cpu = torch.device("cpu")
    straight = score(model, rows.batch, statistics, size=64, device=cpu)
    mixed = score(model, rows.batch.select(order), statistics, size=64, device=cpu)
    np.testing.assert_allclose(mixed.shares, straight.shares[order.numpy()], atol=ROUNDING)


def test_closed_private_experts_have_no_share(phase0: Path) -> None:
    rows = rows_of(phase0, "selection")
    for gate in ("softmax", "sigmoid"):
        model, _ = network(phase0, rows, teacher_settings(ple={"gate": gate}))
        shares = model.eval()(rows.batch.to(torch.device("cpu")), Phase.SHARED).shares
        assert torch.all(shares[..., -1] == 0)
        torch.testing.assert_close(shares.sum(-1), torch.ones(shares.shape[:2]))


def test_sigmoid_gates_are_recorded_as_shares_too(phase0: Path, tmp_path: Path) -> None:
    chosen = teacher_settings(ple={"gate": "sigmoid", "private": "group"}, joint_epochs=1)
    taught = teach(phase0, tmp_path, chosen)
    shares = recorded(taught, "test", names(phase0))
    np.testing.assert_allclose(shares.sum(axis=2), 1, rtol=0, atol=ROUNDING)
    assert float(shares.std(axis=0).min()) > 0


def test_sigmoid_and_softmax_weigh_the_same_logits_differently() -> None:
    torch.manual_seed(0)
    gates = TaskGates(common=3, own=0, tasks=2, lenses=2, kind="softmax")
    common = torch.randn(5, 3)
    logits = gates.from_common(common).unflatten(1, (2, 3))
    torch.testing.assert_close(gates(common, None, Phase.JOINT), torch.softmax(logits, -1))
    gates.kind = "sigmoid"
    torch.testing.assert_close(gates(common, None, Phase.JOINT), torch.sigmoid(logits))


def test_a_tasks_own_mixture_moves_its_gate_alone() -> None:
    torch.manual_seed(0)
    gates = TaskGates(common=3, own=2, tasks=2, lenses=2, kind="softmax")
    assert gates.from_own is not None
    with torch.no_grad():
        gates.from_own.normal_()
    common, own = torch.randn(1, 3), torch.randn(1, 2, 2)
    other = own.clone()
    other[:, 0] += 1
    before, after = gates(common, own, Phase.JOINT), gates(common, other, Phase.JOINT)
    assert not torch.allclose(before[:, 0], after[:, 0])
    assert torch.equal(before[:, 1], after[:, 1])


def test_collapsed_shares_by_hand() -> None:
    """Two lenses, one task: the private half of layer 2 carries layer 1's mixture onward."""
    first, second = torch.tensor([[[0.5, 0.3, 0.2]]]), torch.tensor([[[0.1, 0.4, 0.5]]])
    expected = [0.1 + 0.5 * 0.5, 0.4 + 0.5 * 0.3, 0.5 * 0.2]
    assert collapse([first, second], (0,))[0, 0].tolist() == pytest.approx(expected)


def test_collapsed_sigmoid_weights_are_brought_to_sum_one_layer_by_layer() -> None:
    first, second = torch.tensor([[[1.0, 0.6, 0.4]]]), torch.tensor([[[0.2, 0.8, 1.0]]])
    expected = [0.1 + 0.5 * 0.5, 0.4 + 0.5 * 0.3, 0.5 * 0.2]
    assert collapse([first, second], (0,))[0, 0].tolist() == pytest.approx(expected)


def test_tasks_that_share_a_private_expert_pass_on_the_mean_of_their_shares() -> None:
    first = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    second = torch.tensor([[[0.0, 0.0, 1.0]]]).expand(1, 3, 3)
    found = collapse([first, second], (0, 0, 1))[0].tolist()
    assert found == [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def layer(*, first: bool) -> tuple[ExtractionLayer, Extraction, Tensor]:
    torch.manual_seed(0)
    made = ExtractionLayer(PLE, lenses=2, private_inputs=3, owners=(0, 1), first=first).eval()
    tasks = None if first else torch.randn(5, 2, 4)
    return made, Extraction(torch.randn(5, 2, 4), tasks, None), torch.randn(5, 3)


@pytest.mark.parametrize("first", [True, False])
def test_a_mixture_is_the_streams_times_the_weights_that_are_reported(first: bool) -> None:
    made, state, columns = layer(first=first)
    after = made(state, columns, Phase.SHARED)
    expected = sum(
        after.weights[:, :, lens, None] * after.lenses[:, None, lens] for lens in range(2)
    )
    torch.testing.assert_close(after.tasks, expected)
    open_ = made(state, columns, Phase.JOINT)
    private = made._private(state, columns)
    private = torch.nn.functional.layer_norm(private, private.shape[-1:])
    named = torch.einsum("btl,blw->btw", open_.weights[..., :2], open_.lenses)
    torch.testing.assert_close(open_.tasks, named + open_.weights[..., 2:] * private)


def test_a_later_layer_refines_each_lens_from_itself_alone() -> None:
    made, state, columns = layer(first=False)
    lenses = state.lenses.clone()
    lenses[:, 1] += 1
    before = made(state, columns, Phase.JOINT).lenses
    after = made(replace(state, lenses=lenses), columns, Phase.JOINT).lenses
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1])


def test_streams_have_one_length_so_that_a_weight_tells_what_a_lens_counts(phase0: Path) -> None:
    rows = rows_of(phase0, "selection")
    model, _ = network(phase0, rows)
    streams = model.eval().streams(rows.batch.to(torch.device("cpu")))
    norms = streams.norm(dim=-1)
    torch.testing.assert_close(norms, torch.full_like(norms, 8**0.5), rtol=1e-2, atol=0)


def test_private_experts_belong_to_a_task_or_to_a_group(phase0: Path) -> None:
    _, tasks = layout_and_tasks(phase0)
    assert private_owners(tasks, "task") == tuple(range(len(tasks)))
    owners = private_owners(tasks, "group")
    by_group = {task.group: owner for task, owner in zip(tasks, owners, strict=True)}
    assert owners == tuple(by_group[task.group] for task in tasks)
    assert sorted(by_group.values()) == list(range(len(by_group)))
