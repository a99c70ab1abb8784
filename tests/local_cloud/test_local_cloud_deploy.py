"""Deploying an assembly as it stands, and what the deployed application may and may not do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local_cloud.deploy import DeployFailed, destroy
from local_cloud.session import Cloud
from tests.local_cloud.assemblies import write_assembly
from tests.local_cloud.conftest import until


@pytest.fixture(scope="session")
def said() -> list[str]:
    return []


@pytest.fixture(scope="session")
def house(
    cloud: Cloud, tmp_path_factory: pytest.TempPathFactory, said: list[str]
) -> dict[str, str]:
    folder = write_assembly(tmp_path_factory.mktemp("assembly"))
    outputs: dict[str, str] = cloud.deploy(folder, say=said.append)["house"]
    return outputs


@pytest.fixture(scope="session")
def invoke(cloud: Cloud, house: dict[str, str]) -> Callable[[dict[str, Any]], Any]:
    def call(event: dict[str, Any]) -> Any:
        answer = cloud.client("lambda").invoke(
            FunctionName=house["Function"], Payload=json.dumps(event)
        )
        return json.loads(answer["Payload"].read())

    return call


def _get(cloud: Cloud, url: str, *, signed: bool) -> requests.Response:
    request = AWSRequest("GET", url)
    if signed:
        credentials = cloud.boto3_session().get_credentials()
        SigV4Auth(credentials, "execute-api", cloud.region).add_auth(request)
    return requests.get(
        url, headers=dict(request.headers), verify=cloud.environment["AWS_CA_BUNDLE"], timeout=30
    )


def test_the_rest_api_answers_signed_calls_only(cloud: Cloud, house: dict[str, str]) -> None:
    url = f"{cloud.endpoint}/_aws/execute-api/{house['Api']}/live/hello"
    assert _get(cloud, url, signed=False).status_code == 403
    answer = _get(cloud, url, signed=True)
    assert (answer.status_code, answer.json()["path"]) == (200, "/hello")


def test_metric_lines_of_a_function_become_metrics(
    cloud: Cloud, invoke: Callable[..., Any]
) -> None:
    invoke({})
    until(lambda: cloud.client("cloudwatch").list_metrics(Namespace="SevenLensTest")["Metrics"])


def test_types_that_do_nothing_offline_are_named(house: dict[str, str], said: list[str]) -> None:
    assert any("AWS::Budgets::Budget is recorded only" in line for line in said)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("적금을 안내해 드립니다.", "NONE"),
        ("원금 보장이 됩니다.", "GUARDRAIL_INTERVENED"),
        ("This is risk free.", "GUARDRAIL_INTERVENED"),
        ("We show you how to avoid  taxes legally.", "GUARDRAIL_INTERVENED"),
        ("A deposit fits.", "NONE"),
    ],
)
def test_the_deployed_guardrail_holds_words_and_topics(
    invoke: Callable[..., Any], text: str, action: str
) -> None:
    assert invoke({"guard": text}) == action


def test_a_function_converses_with_its_own_model_only(invoke: Callable[..., Any]) -> None:
    request = {
        "task": "review_vote",
        "checks": [{"id": "a", "title": "A", "status": "FAIL"}],
    }
    reply = json.loads(invoke({"converse": json.dumps(request)}))
    assert reply == {"verdict": "attention", "because": ["a"]}
    refused = invoke({"other_model": True})
    assert refused["errorType"] == "AccessDeniedException", "errors carry their own name"


def test_an_approval_reaches_its_rule_once_and_a_foreign_group_is_refused(
    cloud: Cloud, house: dict[str, str], invoke: Callable[..., Any]
) -> None:
    sagemaker = cloud.client("sagemaker")
    arn = invoke({"package": "models"})
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == (
        "PendingManualApproval"
    )
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="decided by kim",
        CustomerMetadataProperties={"decided_by": "kim"},
    )
    s3 = cloud.client("s3")
    (stored,) = until(lambda: s3.list_objects_v2(Bucket=house["Bucket"]).get("Contents"))
    event = json.loads(s3.get_object(Bucket=house["Bucket"], Key=stored["Key"])["Body"].read())
    assert event["detail"]["ModelPackageArn"] == arn
    assert event["detail"]["ModelPackageGroupName"] == "models"
    assert event["detail"]["CustomerMetadataProperties"] == {"decided_by": "kim"}
    assert event["resources"] == [arn]
    assert [
        row["ModelApprovalStatus"]
        for row in sagemaker.list_model_packages(ModelPackageGroupName="models")[
            "ModelPackageSummaryList"
        ]
    ] == ["Approved"]
    sagemaker.create_model_package_group(ModelPackageGroupName="foreign")
    assert "AccessDenied" in invoke({"package": "foreign"})["errorMessage"]


def test_a_second_deployment_changes_what_changed_and_nothing_else(
    cloud: Cloud, house: dict[str, str], invoke: Callable[..., Any], tmp_path: Path
) -> None:
    said: list[str] = []
    outputs = cloud.deploy(write_assembly(tmp_path / "two", mark="two"), say=said.append)
    assert outputs["house"] == house, "names and ids stay"
    assert json.loads(invoke({})["body"])["mark"] == "two"
    cloud.deploy(tmp_path / "two", say=said.append)
    assert "0 new files" in said[-2]


def test_a_template_that_fails_is_refused_with_its_reason_and_can_be_mended(
    cloud: Cloud, house: dict[str, str], tmp_path: Path
) -> None:
    folder = write_assembly(tmp_path / "bad", stack="shed")
    path = folder / "shed.template.json"
    good = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    bad = {"Resources": {"Key": {"Type": "AWS::Nothing::Known"}}}
    path.write_text(json.dumps(bad))
    with pytest.raises(DeployFailed, match="AWS::Nothing::Known"):
        cloud.deploy(folder, say=lambda _: None)
    path.write_text(json.dumps(good))
    cloud.deploy(folder, say=lambda _: None)
    said: list[str] = []
    destroy(cloud.client, folder, say=said.append)
    assert said == ["  shed: deleted"]
