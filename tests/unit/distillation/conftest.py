"""The bank is written anew for each test, which may change it; the world is never changed."""

from pathlib import Path

import pytest

from tests.unit.distillation.distillation_bank import Bank, write_bank
from tests.unit.distillation.distillation_world import World, make_world


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Inputs of the distill job."""
    return write_bank(tmp_path)


@pytest.fixture(scope="session")
def world() -> World:
    """Rows with known causes."""
    return make_world()
