"""One deployed application for all tests of this folder, and one finished run in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.assembly import build_assembly
from local_cloud.session import session
from operations.access import open_access
from operations.submit import Submission
from tests.end_to_end.house import House
from training_jobs.data.synthetic.__main__ import main as make_bank
from training_jobs.data.synthetic.oracle import main as make_oracle

CUSTOMERS = 500


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.local_cloud)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("end_to_end"))


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank") / "synthetic"
    make_bank(["--customers", str(CUSTOMERS), "--out", str(folder)])
    make_oracle(["--data", str(folder)])
    return folder


@pytest.fixture(scope="session")
def _served(
    tmp_path_factory: pytest.TempPathFactory, bank: Path
) -> Iterator[tuple[House, Submission, dict[str, str]]]:
    assembly = build_assembly("local")
    home = tmp_path_factory.mktemp("house")
    with session(home=home, persist=home / "state") as cloud, pytest.MonkeyPatch.context() as patch:
        cloud.deploy(assembly, say=lambda _text: None)
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        house = House(cloud, open_access("local"), bank)
        started = house.submit()
        ended = house.finish(started)
        assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
        before = dict(os.environ)
        patch.undo()
        yield house, started, {key: before[key] for key in cloud.environment}


@pytest.fixture
def house(
    _served: tuple[House, Submission, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> House:
    """The deployed application, reachable for the length of a test."""
    for name, value in _served[2].items():
        monkeypatch.setenv(name, value)
    return _served[0]


@pytest.fixture
def first(_served: tuple[House, Submission, dict[str, str]]) -> Submission:
    """The run that published the first model."""
    return _served[1]
