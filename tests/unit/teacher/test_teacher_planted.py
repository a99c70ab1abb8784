"""A planted cause is found by the lens it was planted for, and permuted labels by none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from configs.settings.teacher import TeacherSettings
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import teacher_settings
from tests.unit.teacher.teaching import layout_and_tasks, rows_of
from training_jobs.training.crossfit import Crossfit
from training_jobs.training.rows import Rows
from training_jobs.training.score import score

FOUND, CHANCE = 0.75, 0.60
DEVIATIONS = 3.3
"""Width of the interval of chance: one task in a thousand falls outside by luck."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phase0(tmp_path_factory.mktemp("bank"), customers=300)


def aucs(bank: Path, expert: str, rows: Rows, *, epochs: int) -> dict[str, tuple[float, float]]:
    """Return task -> test AUC and its deviation under chance, of a teacher with one lens."""
    settings = teacher_settings(
        experts=(expert,),
        ple={"dropout": 0.0},
        shared_epochs=2,
        joint_epochs=epochs,
        patience=epochs,
        learning_rate=0.02,
    )
    settings["experts"][expert]["dropout"] = 0.0
    layout, tasks = layout_and_tasks(bank)
    made = Crossfit(
        TeacherSettings.model_validate(settings),
        layout,
        tasks,
        rows=rows,
        device=torch.device("cpu"),
        checkpoints=None,
        code_version="1",
    )
    trained = made.fit(made.plans[0], lambda done, total, what: None)
    test = rows_of(bank, "test")
    scores = score(trained.model, test.batch, trained.statistics, size=512, device=made.device)
    found = {}
    for position, task in enumerate(tasks):
        if task.type != "binary":
            continue
        labels = test.labels[:, position].numpy()
        seen = ~np.isnan(labels)
        y, p = labels[seen], scores.predictions[task.name][seen]
        positives, negatives = float(y.sum()), float(len(y) - y.sum())
        deviation = ((positives + negatives + 1) / (12 * positives * negatives)) ** 0.5
        found[task.name] = (float(roc_auc_score(y, p)), deviation)
    return found


@pytest.mark.parametrize(
    ("expert", "task", "other", "epochs"),
    [
        ("temporal", "top_mcc_shift", "will_acquire_payments", 20),
        ("lightgcn", "will_acquire_payments", "top_mcc_shift", 10),
    ],
)
def test_a_planted_cause_is_found_by_its_lens_and_by_no_other(
    bank: Path, expert: str, task: str, other: str, epochs: int
) -> None:
    found = aucs(bank, expert, rows_of(bank, "train", "selection"), epochs=epochs)
    assert found[task][0] > FOUND
    assert found[other][0] < CHANCE


def test_labels_permuted_among_customers_leave_nothing_to_find(bank: Path) -> None:
    rows = rows_of(bank, "train", "selection")
    rng = torch.Generator().manual_seed(0)
    labels = rows.labels.clone()
    for split in ("train", "selection"):
        own = torch.from_numpy(np.flatnonzero(rows.split == split))
        labels[own] = rows.labels[own[torch.randperm(len(own), generator=rng)]]
    found = aucs(bank, "lightgcn", replace(rows, labels=labels), epochs=10)
    for task, (auc, deviation) in found.items():
        assert abs(auc - 0.5) < DEVIATIONS * deviation, task
