"""A control account for every test here, with fakes for what moto cannot play."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.settling import FOUR_EYES_VARIABLE
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_approval import Registry
from tests.fixtures.control_cloud import StepFunctions


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
def states(cloud: None, monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    """Step Functions of the account, which moto cannot play."""
    fake = StepFunctions()
    real = wiring.client

    def client(service: str) -> Any:
        return fake if service == "stepfunctions" else real(service)

    monkeypatch.setattr(wiring, "client", client)
    return fake


@pytest.fixture
def registry(states: StepFunctions, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The model registry of the account; four eyes are demanded."""
    fake = Registry()
    before = wiring.client

    def client(service: str) -> Any:
        return fake if service == "sagemaker" else before(service)

    monkeypatch.setattr(wiring, "client", client)
    monkeypatch.setenv(FOUR_EYES_VARIABLE, "true")
    return fake


@pytest.fixture
def topic(cloud: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The approvals topic with a queue that keeps its messages; returns the queue's address."""
    sns, sqs = cloud_of.aws("sns"), cloud_of.aws("sqs")
    arn = sns.create_topic(Name="approvals")["TopicArn"]
    address = str(sqs.create_queue(QueueName="inbox")["QueueUrl"])
    attributes = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
    monkeypatch.setenv(Grant.PUBLISH_APPROVALS.value, arn)
    return address
