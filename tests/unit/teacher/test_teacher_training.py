"""One training: schedule, decay, phases, early stopping, priors and the number it stops by."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, r2_score, roc_auc_score

from configs.errors import SevenLensError
from configs.settings.teacher import TeacherSettings
from tests.fixtures.training_stages import teacher_settings
from tests.unit.teacher.teaching import network, rows_of
from training_jobs.ple.gates import Phase
from training_jobs.ple.tasks import LabelStatistics, TaskSpec
from training_jobs.training.checkpoint import CheckpointStore
from training_jobs.training.composite import composite, task_skill
from training_jobs.training.machine import prepare_machine
from training_jobs.training.schedule import rate_at
from training_jobs.training.statistics import label_statistics
from training_jobs.training.trainer import Data, Trainer, make_optimizer

NAN = float("nan")


def trainer(phase0: Path, **training: Any) -> Trainer:
    rows, selection = rows_of(phase0, "train"), rows_of(phase0, "selection")
    settings = teacher_settings(**training)
    model, statistics = network(phase0, rows, settings)
    return Trainer(
        model,
        TeacherSettings.model_validate(settings),
        statistics=statistics,
        train=Data(rows.batch, rows.labels),
        selection=Data(selection.batch, selection.labels),
        store=CheckpointStore(None, identity="", keep=1),
        seed=7,
        device=torch.device("cpu"),
        report=lambda done, total, what: None,
    )


def test_rate_rises_linearly_and_falls_as_a_cosine() -> None:
    def rate(step: int) -> float:
        return rate_at(step, total=120, peak=2.0, warmup_share=0.1667, final_share=0.1)

    assert [rate(0), rate(9), rate(19)] == pytest.approx([0.1, 1.0, 2.0])
    assert rate(20) == pytest.approx(2.0)
    assert rate(70) == pytest.approx(0.5 * (2.0 + 0.2))
    assert rate(119) == pytest.approx(0.2, abs=1e-3)
    assert rate(95) == pytest.approx(0.2 + 1.8 * 0.5 * (1 + math.cos(0.75 * math.pi)))


def test_without_warmup_the_first_rate_is_the_peak() -> None:
    assert rate_at(0, total=10, peak=2.0, warmup_share=0.0, final_share=0.0) == 2.0


def test_biases_and_norms_do_not_decay_and_matrices_do(phase0: Path) -> None:
    model, _ = network(phase0, rows_of(phase0, "train"))
    settings = TeacherSettings.model_validate(teacher_settings())
    decaying, plain = make_optimizer(model, settings).param_groups
    assert (decaying["weight_decay"], plain["weight_decay"]) == (0.05, 0.0)
    by_id = {id(p): name for name, p in model.named_parameters()}
    names = {by_id[id(p)] for p in decaying["params"]}
    spared = {by_id[id(p)] for p in plain["params"]}
    assert len(names) + len(spared) == len(by_id)
    assert not {name for name in names if name.endswith("bias") or "norm" in name}
    assert "layers.0.private.enter.bias" in spared, "two dimensions, and a bias all the same"
    assert {"towers.enter.weight", "experts.deepfm.head.weight"} <= names


def test_data_order_is_a_permutation_that_depends_on_seed_and_epoch_alone(phase0: Path) -> None:
    one, other = trainer(phase0), trainer(phase0)
    torch.randn(5)
    assert torch.equal(one.order(3), other.order(3))
    assert not torch.equal(one.order(3), one.order(4))
    assert sorted(one.order(3).tolist()) == list(range(len(one.train.batch)))
    other.seed = 8
    assert not torch.equal(one.order(3), other.order(3))


def test_both_phases_run_and_private_experts_rest_in_the_first(phase0: Path) -> None:
    made = trainer(phase0, shared_epochs=2, joint_epochs=1)
    private = {n: p for n, p in made.model.named_parameters() if ".private." in n}
    start = {name: p.detach().clone() for name, p in made.model.named_parameters()}
    for epoch in range(2):
        for at in made.order(epoch).split(64):  # type: ignore[no-untyped-call]
            made.step(at, made.phase(epoch))
    assert made.phase(1) is Phase.SHARED
    assert made.phase(2) is Phase.JOINT
    assert all(torch.equal(p, start[name]) for name, p in private.items())
    assert not torch.equal(made.model.towers.enter.weight, start["towers.enter.weight"])
    made.step(made.order(2)[:64], made.phase(2))
    assert any(not torch.equal(p, start[name]) for name, p in private.items())


def test_log_tells_the_phase_of_every_epoch(taught: Path) -> None:
    lines = [json.loads(line) for line in (taught / "training.jsonl").read_text().splitlines()]
    full = [line for line in lines if line["model"] == "full"]
    assert [line["phase"] for line in full] == ["shared", "joint", "joint"]
    assert {line["model"] for line in lines} == {"full", "fold0", "fold1"}
    assert set(full[0]["train_loss"]) == set(full[0]["selection_skill"])


def scripted(
    made: Trainer, monkeypatch: pytest.MonkeyPatch, values: list[float]
) -> list[dict[str, torch.Tensor]]:
    """Let the epochs' composites be `values` and return the weights after each."""
    left, weights = iter(values), []

    def judge(phase: Phase) -> dict[str, float | None]:
        state = made.model.state_dict()
        weights.append({name: value.detach().clone() for name, value in state.items()})
        return {"any": next(left)}

    monkeypatch.setattr(made, "judge", judge)
    return weights


def test_training_keeps_the_best_joint_epoch_and_stops_after_its_patience(
    phase0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer(phase0, shared_epochs=1, joint_epochs=9, patience=2)
    # The shared epoch is best of all and does not count; a tie is no improvement.
    weights = scripted(made, monkeypatch, [0.9, 0.1, 0.4, 0.4, 0.3, 0.8])
    trained = made.run()
    assert [row["composite"] for row in trained.log] == [0.9, 0.1, 0.4, 0.4, 0.3]
    assert made.progress.best_epoch == 2
    kept = trained.model.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in weights[2].items())
    assert not trained.model.training


def test_training_ends_with_its_epochs_while_it_still_improves(
    phase0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainer(phase0, shared_epochs=1, joint_epochs=2, patience=1)
    scripted(made, monkeypatch, [0.0, 0.1, 0.2])
    assert len(made.run().log) == 3


def test_a_loss_that_is_not_finite_stops_training_with_a_remedy(phase0: Path) -> None:
    made = trainer(phase0)
    with torch.no_grad():
        made.model.towers.enter.weight.fill_(float("inf"))
    with pytest.raises(SevenLensError, match="not finite at step 0"):
        made.step(made.order(0)[:8], Phase.JOINT)


def test_gradients_are_clipped_to_the_norm(phase0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trainer(phase0, clip_norm=0.001)
    norms = []

    def keep() -> None:
        gradients = [p.grad for p in made.model.parameters() if p.grad is not None]
        norms.append(float(torch.stack([g.norm() for g in gradients]).norm()))

    monkeypatch.setattr(made.optimizer, "step", keep)
    made.step(made.order(0)[:64], Phase.JOINT)
    assert norms == pytest.approx([0.001], rel=1e-3)


def spec(kind: str, loss: str, classes: int = 0) -> TaskSpec:
    return TaskSpec("t", kind, loss, 1.0, "g", tuple("abc"[:classes]))


def test_statistics_count_labelled_rows_and_smooth_by_one_row() -> None:
    labels = torch.tensor([[1.0, 2.0, 1.0], [0.0, NAN, 3.0], [0.0, 2.0, NAN], [NAN, 0.0, NAN]])
    tasks = (spec("binary", "bce"), spec("multiclass", "ce", 3), spec("regression", "huber"))
    named = tuple(
        TaskSpec(name, t.type, t.loss, 1.0, "g", t.classes)
        for name, t in zip("bmr", tasks, strict=True)
    )
    found = label_statistics(named, labels)
    assert found["b"].prior == pytest.approx([(1 + 1) / (3 + 2)])
    assert found["m"].prior == pytest.approx([2 / 6, 1 / 6, 3 / 6])
    assert (found["r"].prior[0], found["r"].sd) == pytest.approx((2.0, 1.0))


def test_a_task_that_is_on_without_a_label_is_refused() -> None:
    with pytest.raises(SevenLensError, match="no labelled train row"):
        label_statistics((spec("binary", "bce"),), torch.full((4, 1), NAN))


def test_counts_that_are_all_zero_start_at_a_finite_bias() -> None:
    task = spec("regression", "poisson")
    statistics = label_statistics((task,), torch.zeros(4, 1))["t"]
    assert math.isfinite(statistics.start(task)[0])


def test_skills_are_those_of_the_reference_metrics() -> None:
    rng = np.random.default_rng(0)
    y, p = (rng.random(200) < 0.3).astype(float), rng.random(200)
    prior = LabelStatistics((0.3,), 1.0)
    skill = 1 - log_loss(y, p) / log_loss(y, np.full(200, 0.3))
    expected = (2 * roc_auc_score(y, p) - 1 + max(skill, -1)) / 2
    masked = np.where(np.arange(200) % 7 == 0, np.nan, y)
    assert task_skill(spec("binary", "bce"), y, p, prior) == pytest.approx(expected)
    assert task_skill(spec("binary", "bce"), masked, p, prior) != pytest.approx(expected)
    level = rng.normal(size=200)
    guess = level + rng.normal(size=200) / 2
    found = task_skill(spec("regression", "huber"), level, guess, LabelStatistics((0.0,), 1.0))
    assert found == pytest.approx(r2_score(level, guess))


def test_the_prior_has_no_skill_and_a_task_without_rows_none_at_all() -> None:
    task, prior = spec("multiclass", "ce", 3), LabelStatistics((0.2, 0.3, 0.5), 1.0)
    y = np.array([0.0, 1.0, 2.0, 2.0])
    assert task_skill(task, y, np.tile(prior.prior, (4, 1)), prior) == pytest.approx(0.0)
    assert task_skill(task, y * np.nan, np.tile(prior.prior, (4, 1)), prior) is None


def test_composite_is_the_mean_of_the_skills_that_are_defined() -> None:
    assert composite({"a": 0.5, "b": None, "c": -0.1}) == pytest.approx(0.2)
    assert composite({"a": None}) == 0.0


def test_a_gpu_that_is_asked_for_and_absent_is_an_error() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SevenLensError, match="no GPU"):
        prepare_machine(threads=1, device="cuda")
