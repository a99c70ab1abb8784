"""Losses equal their closed forms, masks count for nothing, and a weight is applied once."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from configs.errors import SevenLensError
from training_jobs.ple.losses import LOG_RATE_BOUND, LOSSES, LossContext, LossTable
from training_jobs.ple.predictions import predict
from training_jobs.ple.tasks import LabelStatistics, TaskSpec

CONTEXT = LossContext(focal_gamma=2.0, huber_delta=1.5, mean=3.0, sd=2.0)
NAN = float("nan")


def of(name: str, outputs: list[list[float]], labels: list[float]) -> list[float]:
    values: list[float] = LOSSES[name](
        torch.tensor(outputs, dtype=torch.float64),
        torch.tensor(labels, dtype=torch.float64),
        CONTEXT,
    ).tolist()
    return values


def task(name: str, kind: str, loss: str, weight: float = 1.0, classes: int = 0) -> TaskSpec:
    return TaskSpec(name, kind, loss, weight, "group", tuple("abc"[:classes]))


TASKS = (
    task("buys", "binary", "bce", 2.0),
    task("which", "multiclass", "ce", 0.5, classes=3),
    task("level", "regression", "huber", 3.0),
    task("count", "regression", "poisson", 0.25),
)
STATISTICS = {
    "buys": LabelStatistics((0.3,), 1.0),
    "which": LabelStatistics((0.2, 0.3, 0.5), 1.0),
    "level": LabelStatistics((3.0,), 2.0),
    "count": LabelStatistics((1.5,), 1.0),
}


def table(tasks: tuple[TaskSpec, ...] = TASKS) -> LossTable:
    return LossTable(tasks, STATISTICS, focal_gamma=2.0, huber_delta=1.5)


def outputs(rows: int) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {
        spec.name: torch.randn(rows, spec.outputs, generator=rng).requires_grad_() for spec in TASKS
    }


def test_bce_equals_its_closed_form() -> None:
    p = 1 / (1 + math.exp(-0.7))
    expected = [-math.log(p), -math.log(1 - p)]
    assert of("bce", [[0.7], [0.7]], [1, 0]) == pytest.approx(expected)


def test_focal_equals_its_closed_form_and_is_bce_at_gamma_zero() -> None:
    p = 1 / (1 + math.exp(-0.7))
    expected = [-((1 - p) ** 2) * math.log(p), -(p**2) * math.log(1 - p)]
    assert of("focal", [[0.7], [0.7]], [1, 0]) == pytest.approx(expected)
    logits, labels = torch.tensor([[0.3], [-2.0]]), torch.tensor([1.0, 1.0])
    plain = LOSSES["focal"](logits, labels, replace(CONTEXT, focal_gamma=0.0))
    torch.testing.assert_close(plain, LOSSES["bce"](logits, labels, CONTEXT))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_has_a_finite_gradient_where_the_model_is_certain(gamma: float) -> None:
    logits = torch.tensor([[200.0], [-200.0], [200.0]], requires_grad=True)
    context = replace(CONTEXT, focal_gamma=gamma)
    LOSSES["focal"](logits, torch.tensor([1.0, 0.0, 0.0]), context).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_cross_entropy_equals_its_closed_form() -> None:
    logits = [0.1, 1.2, -0.4]
    total = sum(math.exp(value) for value in logits)
    expected = [-math.log(math.exp(logits[2]) / total), -math.log(math.exp(logits[0]) / total)]
    assert of("ce", [logits, logits], [2, 0]) == pytest.approx(expected)


def test_huber_is_measured_in_label_deviations() -> None:
    # Labels 4 and 13 are 0.5 and 5 deviations above the mean of 3.
    expected = [0.5 * (0.5 - 0.2) ** 2, 1.5 * ((5 - 0.2) - 0.5 * 1.5)]
    assert of("huber", [[0.2], [0.2]], [4, 13]) == pytest.approx(expected)


def test_poisson_is_half_the_deviance() -> None:
    rate = math.exp(0.4)
    expected = [rate, rate - 3 * 0.4 + 3 * math.log(3) - 3]
    assert of("poisson", [[0.4], [0.4]], [0, 3]) == pytest.approx(expected)
    assert of("poisson", [[math.log(3)]], [3]) == pytest.approx([0.0])


def test_poisson_stays_finite_at_any_output() -> None:
    assert all(map(math.isfinite, of("poisson", [[500.0], [-500.0]], [1, 1])))
    edge = predict(torch.tensor([[500.0]]), TASKS[3], STATISTICS["count"])
    assert edge.tolist() == pytest.approx([math.exp(LOG_RATE_BOUND)])


def test_total_is_each_mean_over_labelled_rows_times_its_weight_once() -> None:
    given = outputs(4)
    labels = torch.tensor(
        [[1.0, 2.0, 4.0, 0.0], [NAN, 0.0, NAN, 3.0], [0.0, NAN, NAN, 1.0], [1.0, 1.0, 2.0, NAN]]
    )
    found = table()(given, labels)
    expected = 0.0
    for column, spec in enumerate(TASKS):
        seen = ~labels[:, column].isnan()
        context = LossContext(2.0, 1.5, STATISTICS[spec.name].prior[0], STATISTICS[spec.name].sd)
        rows = LOSSES[spec.loss](given[spec.name][seen], labels[seen, column], context)
        assert float(found.means[spec.name].detach()) == pytest.approx(float(rows.mean().detach()))
        expected += spec.weight * float(rows.mean().detach())
    assert float(found.total.detach()) == pytest.approx(expected)


def test_masked_rows_get_no_gradient_and_labelled_rows_do() -> None:
    given = outputs(3)
    labels = torch.tensor([[1.0, NAN, 2.0, NAN], [NAN, 1.0, NAN, 2.0], [0.0, NAN, NAN, NAN]])
    table()(given, labels).total.backward()  # type: ignore[no-untyped-call]
    for column, spec in enumerate(TASKS):
        gradient = given[spec.name].grad
        assert gradient is not None
        reached = (gradient != 0).any(dim=1)
        assert reached.tolist() == (~labels[:, column].isnan()).tolist(), spec.name
        assert torch.isfinite(gradient).all()


def test_a_batch_without_any_label_has_loss_zero() -> None:
    found = table()(outputs(3), torch.full((3, 4), NAN))
    assert float(found.total) == 0.0
    assert found.means == {}


def test_a_task_without_a_label_in_the_batch_adds_nothing() -> None:
    given = outputs(3)
    labels = torch.full((3, 4), NAN)
    labels[:, 0] = 1.0
    found = table()(given, labels)
    assert list(found.means) == ["buys"]
    assert float(found.total.detach()) == pytest.approx(2.0 * float(found.means["buys"].detach()))


def test_an_unknown_loss_is_refused_before_training() -> None:
    with pytest.raises(SevenLensError, match="hinge"):
        table((replace(TASKS[0], loss="hinge"),))


@pytest.mark.parametrize("spec", TASKS, ids=lambda spec: spec.name)
def test_tower_biases_start_at_the_prior(spec: TaskSpec) -> None:
    statistics = STATISTICS[spec.name]
    start = torch.tensor([statistics.start(spec)], dtype=torch.float64)
    found = predict(start, spec, statistics)
    assert found.flatten().tolist() == pytest.approx(list(statistics.prior))


def test_predictions_undo_what_the_losses_assume() -> None:
    assert predict(torch.tensor([[2.0]]), TASKS[2], STATISTICS["level"]).tolist() == [7.0]
    classes = predict(torch.tensor([[1.0, 2.0, 3.0]]), TASKS[1], STATISTICS["which"])
    assert float(classes.sum()) == pytest.approx(1.0)
    assert classes.dtype is torch.float64
