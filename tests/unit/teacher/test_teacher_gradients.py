"""Every parameter learns from some task, none from a masked label, and phases keep their word."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.fixtures.training_stages import teacher_settings
from tests.unit.teacher.teaching import network, rows_of
from training_jobs.experts.batch import Batch
from training_jobs.ple.gates import Phase
from training_jobs.ple.losses import LossTable
from training_jobs.ple.model import Teacher
from training_jobs.ple.tasks import LabelStatistics


def prepared(phase0: Path, **ple: str) -> tuple[Teacher, Batch, Tensor, LossTable]:
    """A teacher with gates away from their all-alike start, and all train rows as one batch."""
    rows = rows_of(phase0, "train")
    settings = teacher_settings(ple={"dropout": 0.0, **ple})
    model, statistics = network(phase0, rows, settings)
    table = losses(model, statistics)
    return model.eval(), rows.batch.to(torch.device("cpu")), rows.labels, table


def losses(model: Teacher, statistics: dict[str, LabelStatistics]) -> LossTable:
    return LossTable(model.tasks, statistics, focal_gamma=2.0, huber_delta=1.0)


def reached(model: nn.Module) -> dict[str, bool]:
    return {
        name: parameter.grad is not None and bool((parameter.grad != 0).any())
        for name, parameter in model.named_parameters()
    }


@pytest.mark.parametrize("private", ["task", "group"])
def test_every_parameter_of_every_expert_learns_from_at_least_one_task(
    phase0: Path, private: str
) -> None:
    model, batch, labels, table = prepared(phase0, private=private)
    assert set(model.experts) == {"deepfm", "temporal", "lightgcn"}
    table(model(batch).outputs, labels).total.backward()  # type: ignore[no-untyped-call]
    lost = [name for name, here in reached(model).items() if not here]
    assert not lost


def test_each_task_alone_reaches_every_expert(phase0: Path) -> None:
    model, batch, labels, table = prepared(phase0)
    for position, task in enumerate(model.tasks):
        model.zero_grad(set_to_none=True)
        only = torch.full_like(labels, float("nan"))
        only[:, position] = labels[:, position]
        table(model(batch).outputs, only).total.backward()  # type: ignore[no-untyped-call]
        here = reached(model)
        for expert in model.experts:
            touched = [name for name in here if name.startswith(f"experts.{expert}.")]
            assert any(here[name] for name in touched), f"{task.name} never reaches {expert}"


def test_masked_labels_move_no_parameter(phase0: Path) -> None:
    """Rows without any label may hold anything: the gradient is that of the labelled rows."""
    model, batch, labels, table = prepared(phase0)
    half = torch.arange(len(labels)) % 2 == 0
    masked = torch.where(half[:, None], labels, torch.nan)
    table(model(batch).outputs, masked).total.backward()  # type: ignore[no-untyped-call]
    with_rest = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    kept = torch.nonzero(half)[:, 0]
    table(model(batch.select(kept)).outputs, labels[kept]).total.backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(with_rest[name], parameter.grad, rtol=1e-3, atol=1e-6)


def test_a_task_without_labels_leaves_its_tower_alone(phase0: Path) -> None:
    model, batch, labels, table = prepared(phase0)
    labels = labels.clone()
    labels[:, 0] = torch.nan
    table(model(batch).outputs, labels).total.backward()  # type: ignore[no-untyped-call]
    assert not reached(model)["towers.heads.0.weight"]
    assert reached(model)["towers.heads.1.weight"]
    entered = model.towers.enter.weight.grad
    assert entered is not None
    assert torch.all(entered[0] == 0)
    assert bool((entered[1] != 0).any())


def test_closed_private_experts_learn_nothing_in_the_shared_phase(phase0: Path) -> None:
    model, batch, labels, table = prepared(phase0)
    table(model(batch, Phase.SHARED).outputs, labels).total.backward()  # type: ignore[no-untyped-call]
    here = reached(model)
    private = [name for name in here if ".private." in name]
    assert private
    assert not any(here[name] for name in private)
    assert all(here[name] for name in here if name.startswith("experts."))


def test_private_experts_count_in_the_joint_phase(phase0: Path) -> None:
    model, batch, _, _ = prepared(phase0)
    with torch.no_grad():
        before = model(batch).outputs["churn_signal"]
        shared = model(batch, Phase.SHARED).outputs["churn_signal"]
        for name, parameter in model.named_parameters():
            if ".private." in name:
                parameter.normal_()
        after = model(batch).outputs["churn_signal"]
        still = model(batch, Phase.SHARED).outputs["churn_signal"]
    assert not torch.allclose(before, after)
    assert torch.equal(shared, still)
