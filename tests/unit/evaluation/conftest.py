"""Stage tests share one small Phase 0 output, one made-up teacher and one evaluation of it."""

from pathlib import Path

import pytest

from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import evaluate_stage
from tests.unit.evaluation.judging import CUSTOMERS, pretend_to_teach, raw_settings


@pytest.fixture(scope="session")
def phase0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phase0(tmp_path_factory.mktemp("phase0"), customers=CUSTOMERS)


@pytest.fixture(scope="session")
def taught(phase0: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pretend_to_teach(phase0, tmp_path_factory.mktemp("teacher"))


@pytest.fixture(scope="session")
def evaluated(phase0: Path, taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluate_stage(phase0, taught, tmp_path_factory.mktemp("evaluate"), raw_settings())
