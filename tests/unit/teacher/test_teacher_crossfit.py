"""Cross-fitting: no train customer is scored by a model that has seen it in any way."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
import torch

from configs.contracts.artefacts import list_files
from configs.errors import ArtefactError
from configs.settings.teacher import TeacherSettings
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import (
    column,
    read,
    rewrite,
    set_column,
    teach,
    teacher_settings,
)
from tests.unit.teacher.teaching import layout_and_tasks, rows_of
from training_jobs.experts.batch import Batch
from training_jobs.ple.model import Teacher
from training_jobs.training.crossfit import Crossfit, check_folds, pick
from training_jobs.training.outputs import gather
from training_jobs.training.rows import Rows
from training_jobs.training.score import Scores

BINARY = ("churn_signal", "will_acquire_deposits", "will_acquire_payments", "top_mcc_shift")
CUSTOMERS = 60


def flip(customer: str, table: pa.Table) -> pa.Table:
    """Every binary label of a customer turned over, in every split."""
    own = np.array(table["customer_id"].to_pylist()) == customer
    for name in BINARY:
        table = set_column(table, f"y_{name}", lambda values: 1 - values, own)
    return table


def crossfit(phase0: Path, rows: Rows) -> Crossfit:
    layout, tasks = layout_and_tasks(phase0)
    return Crossfit(
        TeacherSettings.model_validate(teacher_settings()),
        layout,
        tasks,
        rows=rows,
        device=torch.device("cpu"),
        checkpoints=None,
        code_version="1",
    )


def test_a_model_trains_and_stops_on_rows_outside_its_fold_only(phase0: Path) -> None:
    rows = rows_of(phase0, "train", "selection")
    plans = crossfit(phase0, rows).plans
    assert [(plan.name, plan.left_out) for plan in plans] == [
        ("full", None),
        ("fold0", 0),
        ("fold1", 1),
    ]
    assert len({plan.seed for plan in plans}) == len(plans)
    customers = np.array(rows.keys["customer_id"].to_pylist())
    for plan in plans:
        for split in ("train", "selection"):
            seen = pick(rows, split, plan.left_out).numpy()
            assert set(rows.split[seen]) == {split}
            if plan.left_out is None:
                assert len(seen) == int((rows.split == split).sum())
                continue
            hidden = set(customers[rows.fold == plan.left_out])
            assert hidden
            assert not hidden & set(customers[seen])


class Handed:
    """Stands where the trainer does and keeps what it is handed."""

    def __init__(self, model: Teacher, settings: TeacherSettings, **given: Any) -> None:
        self.given = given

    def run(self) -> "Handed":
        return self


def test_a_fold_model_is_handed_the_other_folds_and_measures_at_the_first_date_alone(
    phase0: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(phase0, "train", "selection")
    measured: list[Batch] = []
    monkeypatch.setattr("training_jobs.training.crossfit.Trainer", Handed)
    monkeypatch.setattr(Teacher, "prepare", lambda self, given: measured.append(given))
    made = crossfit(phase0, rows)
    first = rows.keys["as_of"].to_numpy() == rows.keys["as_of"].to_numpy().min()
    for plan in made.plans:
        given = cast(Any, made.fit(plan, lambda done, total, what: None)).given
        others = rows.fold != plan.left_out
        for split in ("train", "selection"):
            wanted = torch.from_numpy(others & (rows.split == split))
            assert torch.equal(given[split].batch.numeric, rows.batch.numeric[wanted])
            assert torch.equal(
                given[split].labels.nan_to_num(-1), rows.labels[wanted].nan_to_num(-1)
            )
        wanted = torch.from_numpy(others & (rows.split == "train") & first)
        assert torch.equal(measured[-1].numeric, rows.batch.numeric[wanted])


def test_cold_customers_are_never_trained_on(phase0: Path) -> None:
    rows = rows_of(phase0, "train")
    rows = replace(rows, cold=np.arange(len(rows)) % 3 == 0)
    assert not rows.cold[pick(rows, "train", None).numpy()].any()


def test_a_customer_in_two_folds_is_refused(phase0: Path) -> None:
    rows = rows_of(phase0, "train")
    torn = rows.fold.copy()
    torn[0] = 1 - torn[0]
    with pytest.raises(ArtefactError, match=r"1 customers .* more than one fold"):
        check_folds(replace(rows, fold=torn))


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Outputs before and after the labels of one customer are turned over, and its id."""
    folder = tmp_path_factory.mktemp("flip")
    outputs = []
    customer = ""
    for name in ("before", "after"):
        phase0 = write_phase0(folder / name / "phase0", customers=CUSTOMERS)
        rows = rows_of(phase0, "train", "selection")
        chosen = rows.keys["customer_id"].to_numpy(zero_copy_only=False)
        customer = str(chosen[rows.split == "selection"][0])
        if name == "after":
            rewrite(phase0 / "examples", partial(flip, customer))
        outputs.append(teach(phase0, folder / name))
    return outputs[0], outputs[1], customer


@pytest.mark.parametrize("kind", ["predictions", "gates"])
def test_labels_of_a_customer_change_nothing_in_its_own_train_scores(
    flipped: tuple[Path, Path, str], kind: str
) -> None:
    before, after, customer = flipped
    one, other = read(before / kind, "train"), read(after / kind, "train")
    own = np.array(one["customer_id"].to_pylist()) == customer
    assert own.sum() == 2
    for name in one.column_names[3:]:
        assert np.array_equal(column(one, name)[own], column(other, name)[own]), name


def test_labels_of_a_customer_do_change_the_scores_of_the_other_fold(
    flipped: tuple[Path, Path, str],
) -> None:
    """Or the test above would pass on a teacher that reads no label at all."""
    before, after, _ = flipped
    for split in ("train", "test"):
        one, other = read(before / "predictions", split), read(after / "predictions", split)
        assert not np.array_equal(column(one, "churn_signal"), column(other, "churn_signal"))


def test_only_the_model_blind_to_the_customer_is_unchanged(
    flipped: tuple[Path, Path, str],
) -> None:
    before, after, customer = flipped
    rows = rows_of(before.parent / "phase0", "train")
    own = rows.keys["customer_id"].to_numpy(zero_copy_only=False) == customer
    (fold,) = set(rows.fold[own])
    digests = [
        {entry.path: entry.sha256 for entry in list_files(folder)} for folder in (before, after)
    ]
    same = {path for path in digests[0] if digests[0][path] == digests[1][path]}
    assert {path for path in same if path.startswith("weights")} == {
        f"weights-fold{fold}.safetensors"
    }


def test_scores_of_the_folds_are_put_back_in_row_order(phase0: Path) -> None:
    rows = rows_of(phase0, "train").fold
    at = {fold: np.flatnonzero(rows == fold) for fold in (0, 1)}
    scores = {
        fold: (where, Scores({"t": where.astype(float)}, where[:, None, None].astype(np.float32)))
        for fold, where in at.items()
    }
    found = gather(rows_of(phase0, "train"), dict(reversed(scores.items())))
    assert found.predictions["t"].tolist() == list(range(len(rows)))
    assert found.shares[:, 0, 0].tolist() == list(range(len(rows)))


def test_a_train_row_without_a_blind_model_is_refused(phase0: Path) -> None:
    rows = rows_of(phase0, "train")
    where = np.flatnonzero(rows.fold == 0)
    lone = Scores({"t": where.astype(float)}, where[:, None, None].astype(np.float32))
    with pytest.raises(ValueError, match="out-of-fold scores"):
        gather(rows, {0: (where, lone)})
