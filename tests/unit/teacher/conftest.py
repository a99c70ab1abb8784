"""Teacher tests share one small Phase 0 output and one run of the stage on it."""

from pathlib import Path

import pytest

from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import teach
from training_jobs.training.machine import prepare_machine


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Threads and determinism as the stage sets them, for tests of single modules too."""
    prepare_machine(threads=1, device="cpu")


@pytest.fixture(scope="session")
def phase0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Phase 0 output; tests that change one write their own."""
    return write_phase0(tmp_path_factory.mktemp("phase0"), customers=120)


@pytest.fixture(scope="session")
def taught(phase0: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the stage on it."""
    return teach(phase0, tmp_path_factory.mktemp("teacher"))
