"""Each environment synthesised once for all tests of this folder."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from configs.settings.environment import ENVIRONMENTS
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import Assembly, synthesise


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.infrastructure)


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Assembly]:
    """Environment name -> its assembly."""
    folder = tmp_path_factory.mktemp("assemblies")
    return {env: synthesise(env, folder / env) for env in ENVIRONMENTS}


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    """Every environment in turn."""
    return assemblies[request.param]


@pytest.fixture(scope="session")
def deployed(assembly: Assembly) -> Deployed:
    """Every environment in turn, with what deployment would make of its references."""
    return Deployed(assembly)
