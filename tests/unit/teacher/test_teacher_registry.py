"""Experts by name: one home each, clear refusals, and a new one needs no change elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from configs.errors import SettingsError
from configs.settings import experts as settings
from configs.settings.experts import ExpertConfig, expert_config
from configs.settings.teacher import TeacherSettings
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import column, evaluate_stage, read, teach, teacher_settings
from tests.unit.teacher.teaching import inputs, layout_and_tasks, rows_of
from training_jobs.experts import base
from training_jobs.experts.base import Expert, ExpertError, ExpertInputs, build, register
from training_jobs.experts.batch import Batch
from training_jobs.experts.known import MODULES

FOURTH = "holdings_only"
SHIPPED = ("deepfm", "lightgcn", "temporal")


def config(name: str) -> ExpertConfig:
    parsed = TeacherSettings.model_validate(teacher_settings())
    return parsed.experts[name]


def test_registered_experts_are_the_configurable_ones() -> None:
    assert base.registered() == settings.known() == SHIPPED
    assert len(MODULES) == len(SHIPPED)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ExpertError, match="twice"):
        register("deepfm")(Expert)
    with pytest.raises(SettingsError, match="twice"):
        expert_config("deepfm")(ExpertConfig)


def test_an_unknown_expert_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ExpertError, match=r"hgcnn.*deepfm, lightgcn, temporal"):
        build("hgcnn", config("deepfm"), inputs())
    raw = teacher_settings()
    raw["experts"]["hgcnn"] = raw["experts"].pop("deepfm")
    with pytest.raises(ValueError, match="hgcnn"):
        TeacherSettings.model_validate(raw)


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("temporal", {"categories": 0}), ("lightgcn", {"items": 0})],
)
def test_an_expert_is_never_built_without_its_tensor(name: str, lacking: dict[str, int]) -> None:
    with pytest.raises(ExpertError, match="needs the tensor"):
        build(name, config(name), inputs(**lacking))


def test_an_expert_of_columns_is_never_built_without_columns() -> None:
    with pytest.raises(ExpertError, match="no column to read"):
        build("deepfm", config("deepfm"), inputs(numeric=(), codes=(), cardinalities=()))


@pytest.mark.parametrize("name", SHIPPED)
def test_output_has_the_width_the_expert_declares(name: str, phase0: Path) -> None:
    layout, _ = layout_and_tasks(phase0)
    expert = build(name, config(name), layout.lenses((name,))[0][name])
    rows = rows_of(phase0, "train").batch.to(torch.device("cpu"))
    expert.prepare(rows)
    assert expert(rows).shape == (len(rows), expert.output_dim)


class HoldingsOnly(Expert):
    """A fourth expert as a later module would bring it."""

    def __init__(self, config: ExpertConfig, inputs: ExpertInputs) -> None:
        super().__init__()
        self.output_dim = config.output_dim
        self.columns = inputs.numeric
        self.linear = nn.Linear(len(inputs.numeric), config.output_dim)

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, D]."""
        out: Tensor = self.linear(batch.numeric[:, list(self.columns)])
        return out


@pytest.fixture
def _fourth() -> Iterator[None]:
    expert_config(FOURTH)(ExpertConfig)
    register(FOURTH)(HoldingsOnly)
    yield
    settings.forget(FOURTH)
    base.forget(FOURTH)


@pytest.mark.usefixtures("_fourth")
def test_a_fourth_expert_trains_and_is_gated_without_touching_a_caller(tmp_path: Path) -> None:
    phase0 = write_phase0(tmp_path / "phase0", customers=60)
    path = phase0 / "feature_schema.json"
    schema = json.loads(path.read_text())
    for row in schema["columns"]:
        if row["group"] == "product_holdings":
            row["experts"] = [FOURTH]
    schema["experts"][FOURTH] = {"status": "present", "reason": None}
    path.write_text(json.dumps(schema))
    chosen = teacher_settings(joint_epochs=1)
    chosen["experts"][FOURTH] = {"output_dim": 3, "dropout": 0.0}
    taught = teach(phase0, tmp_path, chosen)
    described = json.loads((taught / "model.json").read_text())
    assert described["lenses"] == ["deepfm", FOURTH, "lightgcn", "temporal", "private"]
    for split in ("train", "test", "score"):
        shares = column(read(taught / "gates", split), "churn_signal")
        assert shares.shape[1] == len(described["lenses"])
        fourth = shares[:, described["lenses"].index(FOURTH)]
        assert float(fourth.min()) > 0
        assert float(np.std(fourth)) > 0
    judged = json.loads(
        (evaluate_stage(phase0, taught, tmp_path / "evaluate") / "evaluation.json").read_text()
    )
    assert judged["lenses"] == described["lenses"]
    assert len(judged["gates"]["mean"]["churn_signal"]) == len(described["lenses"])


def test_an_expert_that_phase0_left_without_input_is_absent_with_the_reason(
    tmp_path: Path,
) -> None:
    phase0 = write_phase0(tmp_path / "phase0", customers=60)
    path = phase0 / "feature_schema.json"
    schema = json.loads(path.read_text())
    schema["experts"]["lightgcn"] = {"status": "absent", "reason": "no merchants"}
    schema["tensors"]["incidence"] |= {"status": "absent", "reason": "no merchants"}
    path.write_text(json.dumps(schema))
    for part in (phase0 / "incidence").iterdir():
        part.unlink()
    taught = teach(phase0, tmp_path, teacher_settings(joint_epochs=1))
    described = json.loads((taught / "model.json").read_text())
    assert described["lenses"] == ["deepfm", "temporal", "private"]
    assert described["absent_experts"] == {"lightgcn": "no merchants"}
    assert column(read(taught / "gates", "test"), "churn_signal").shape[1] == 3
