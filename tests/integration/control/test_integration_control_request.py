"""A package is registered, its token kept, people told, and the token told to nobody."""

import json

import pytest

from configs.contracts.tables import Table
from lambdas.control.approvals import Waiting
from lambdas.control.errors import BadInput
from lambdas.register_model.handler import handler as register
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_approval import (
    KIM,
    LEE,
    TOKEN,
    Registry,
    ask,
    decided,
)
from tests.fixtures.control_cloud import LAKE, StepFunctions


def test_people_are_told_where_the_evidence_is_and_never_the_token(
    topic: str, states: StepFunctions, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(states)
    ((message,),) = [
        cloud_of.aws("sqs").receive_message(QueueUrl=topic, MaxNumberOfMessages=10)["Messages"]
    ]
    body = json.loads(message["Body"])
    assert "run-1" in body["Subject"]
    assert f"s3://{LAKE}/stages/report/k/j/report.html" in body["Message"]
    assert "kim" in body["Message"]
    written = capsys.readouterr()
    for text in (message["Body"], json.dumps(answer), written.out, written.err):
        assert TOKEN not in text
    assert cloud_of.items(Table.APPROVALS)[0]["task_token"]["S"] == TOKEN


def test_no_printed_form_of_a_waiting_task_shows_its_token() -> None:
    assert TOKEN not in repr(Waiting(TOKEN, "run-1", "kim", "arn"))


def test_a_decision_made_before_the_token_was_kept_is_carried_by_the_request(
    topic: str, states: StepFunctions, registry: Registry
) -> None:
    registry.decide("Approved", LEE)
    assert decided() == "nothing waits"
    assert ask(states)["outcome"] == "approved"
    assert [kind for _, kind, _ in states.answers] == ["success"]
    assert decided() == "nothing waits"


def test_the_request_demands_four_eyes_as_well(
    topic: str, states: StepFunctions, registry: Registry
) -> None:
    registry.decide("Approved", KIM)
    assert ask(states)["outcome"] == "refused"


def test_a_request_nobody_has_decided_on_waits(
    topic: str, states: StepFunctions, registry: Registry
) -> None:
    assert ask(states)["outcome"] == "undecided"
    assert TOKEN in states.open_tokens


def test_an_unknown_run_is_refused_and_nothing_waits(topic: str, states: StepFunctions) -> None:
    with pytest.raises(BadInput):
        ask(states, run={})
    assert cloud_of.items(Table.APPROVALS) == []


def put_package() -> dict[str, str]:
    content = {"model_version": "v1", "record_parts": ["r"], "smoke_customer": "C0"}
    cloud_of.put("stages/package/k/j/package.json", json.dumps(content).encode())
    base = f"s3://{LAKE}/stages"
    return {
        "package_uri": f"{base}/package/k/j/",
        "evaluate_uri": f"{base}/evaluate/k/j/",
        "report_uri": f"{base}/report/k/j/",
    }


def test_a_package_is_registered_once_a_run_and_waits_for_a_person(cloud: None) -> None:
    sagemaker = cloud_of.aws("sagemaker")
    sagemaker.create_model_package_group(
        ModelPackageGroupName="recommender", ModelPackageGroupDescription="x"
    )
    uris = put_package()
    first = register({"run": cloud_of.run_json()} | uris, None)
    again = register({"run": cloud_of.run_json()} | uris, None)
    other = register({"run": cloud_of.run_json("run-2")} | uris, None)
    assert first == again
    assert other["package_arn"] != first["package_arn"]
    found = sagemaker.describe_model_package(ModelPackageName=first["package_arn"])
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    metadata = found["CustomerMetadataProperties"]
    assert (metadata["run_id"], metadata["model_version"]) == ("run-1", "v1")
    assert metadata["report_uri"].endswith("/report.html")
