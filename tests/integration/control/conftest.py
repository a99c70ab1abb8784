"""A control account for every test here, with fakes for what moto cannot play."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from lambdas.control import wiring
from tests.fixtures import control_cloud as cloud_of


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with tables, bucket and images, and a process that knows nothing yet."""
    for name, value in cloud_of.environment().items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        cloud_of.create()
        cloud_of.forget()
        yield
    cloud_of.forget()


@pytest.fixture
def states(cloud: None, monkeypatch: pytest.MonkeyPatch) -> cloud_of.StepFunctions:
    """Step Functions of the account, which moto cannot play."""
    fake = cloud_of.StepFunctions()
    real = wiring.client

    def client(service: str) -> Any:
        return fake if service == "stepfunctions" else real(service)

    monkeypatch.setattr(wiring, "client", client)
    return fake
