"""What the distill job refuses to read, and what it reads as missing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from configs.errors import ArtefactError, SettingsError
from configs.settings.distillation import DistillationSettings
from tests.unit.distillation.distillation_bank import (
    CHURN,
    ROUTES,
    Bank,
    light,
)
from training_jobs.distillation.rows import read_folder, read_rows, read_tasks
from training_jobs.evaluation.ledger import Ledger

PROTECTED = "age"


def test_an_unknown_group_is_refused_by_name(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no group 'nobody'"):
        bank.distil(tmp_path / "out", light(), "nobody")


def test_an_example_without_a_prediction_stops_the_job(bank: Bank, tmp_path: Path) -> None:
    path = bank.teacher / "predictions" / "train.parquet"
    pq.write_table(pq.read_table(path).slice(3), path)
    with pytest.raises(ArtefactError, match="no prediction for 3 of"):
        bank.distil(tmp_path / "out", light())


def test_a_prediction_without_an_example_stops_the_job(bank: Bank, tmp_path: Path) -> None:
    path = bank.teacher / "predictions" / "test.parquet"
    table = pq.read_table(path)
    strangers = pa.array([f"x{row}" for row in range(table.num_rows)])
    pq.write_table(table.set_column(0, "customer_id", strangers), path)
    with pytest.raises(ArtefactError, match="are no examples"):
        bank.distil(tmp_path / "out", light())


def test_features_of_other_rows_stop_the_job(bank: Bank, tmp_path: Path) -> None:
    bank.rewrite("features", lambda part: part.slice(1))
    with pytest.raises(ArtefactError, match="rows are not those of examples"):
        bank.distil(tmp_path / "out", light())


def test_an_empty_phase0_stops_the_job(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    with pytest.raises(ArtefactError, match="holds no parts"):
        read_folder(tmp_path / "examples")


def test_tasks_that_are_off_have_no_student(bank: Bank) -> None:
    assert {task.name for task in read_tasks(bank.phase0)} == set(ROUTES)


def test_missing_features_and_labels_are_read_as_missing(bank: Bank) -> None:
    rows = read_rows(
        bank.phase0,
        read_tasks(bank.phase0),
        uses={"train": "", "test": ""},
        ledger=Ledger("a test"),
    )
    gaps = np.isnan(rows.features[:, rows.columns.index("tenure_months")])
    assert 0.02 < gaps.mean() < 0.1
    for split in ("selection", "calibration", "score"):
        assert np.isnan(rows.labels[CHURN][rows.split == split]).all(), split
    for split in ("train", "test"):
        assert not np.isnan(rows.labels[CHURN][rows.split == split]).all(), split


def test_cold_customers_are_no_test_rows(bank: Bank) -> None:
    rows = read_rows(bank.phase0, [], uses={}, ledger=Ledger("a test"))
    assert rows.cold[rows.split == "test"].any()
    assert not rows.cold[rows.of("test")].any()


@pytest.mark.parametrize(
    ("weights", "fault"), [([0.5, 1.0], "hard labels alone"), ([0.0, 1.5], "between 0 and 1")]
)
def test_soft_weights_hold_the_hard_label_and_stay_in_range(
    weights: list[float], fault: str
) -> None:
    with pytest.raises(ValidationError, match=fault):
        DistillationSettings.model_validate(light().model_dump() | {"soft_weights": weights})
