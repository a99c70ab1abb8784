"""An account that a deployment left, for every test that asks for it."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.fixtures import operator_account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployed account; the operator's region is set, no embedded AWS is asked for."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", operator_account.REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        operator_account.create()
        yield
