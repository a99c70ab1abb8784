"""State machines: SageMaker tasks that wait, their failures, and executions that are stopped."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_cloud.session import Cloud
from tests.local_cloud.conftest import Bench, make_role, until


@pytest.fixture(scope="session")
def machine_role(cloud: Cloud) -> str:
    job = f"arn:aws:sagemaker:{cloud.region}:000000000000:"
    return make_role(
        cloud,
        "machine",
        "states.amazonaws.com",
        [
            {
                "Effect": "Allow",
                "Action": [
                    f"sagemaker:{verb}{kind}Job"
                    for verb in ("Create", "Describe", "Stop")
                    for kind in ("Training", "Processing")
                ]
                + ["sagemaker:AddTags"],
                "Resource": [f"{job}training-job/sfn-*", f"{job}processing-job/sfn-*"],
            },
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": "arn:aws:iam::000000000000:role/job",
                "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            },
        ],
    )


@pytest.fixture
def execute(
    cloud: Cloud, machine_role: str, request: pytest.FixtureRequest
) -> Callable[..., Callable[[], dict[str, Any]]]:
    """Start an execution of given states; returns its describe call."""
    states = cloud.client("stepfunctions")

    def start(definition: dict[str, Any], given: Any = None) -> Callable[[], dict[str, Any]]:
        name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:80]
        arn = states.create_state_machine(
            name=name,
            roleArn=machine_role,
            definition=json.dumps({"QueryLanguage": "JSONata"} | definition),
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))
        return lambda: states.describe_execution(executionArn=execution["executionArn"])

    return start


def _ended(describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    ended: dict[str, Any] = until(lambda: (found := describe())["status"] != "RUNNING" and found)
    return ended


def _task(kind: str, arguments: Any, **changes: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:create{kind}Job.sync",
        "Arguments": arguments,
        "End": True,
        **changes,
    }


def test_a_task_waits_for_its_job_and_gives_its_description(
    bench: Bench, execute: Callable[..., Any]
) -> None:
    request = bench.training("sfn-train-1", "train", "2", "0")
    request["TrainingJobName"] = "{% $states.input.name & '-' & $states.context.State.RetryCount %}"
    ended = _ended(
        execute(
            {"StartAt": "Run", "States": {"Run": _task("Training", request)}},
            {"name": "sfn-train-1"},
        )
    )
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    output = json.loads(ended["output"])
    assert output["TrainingJobName"] == "sfn-train-1-0"
    assert output["TrainingJobStatus"] == "Completed"
    assert output["CreationTime"] > 1e12, "Step Functions gives milliseconds"
    assert output["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model/")


def test_a_failed_job_fails_the_execution_with_its_description_as_cause(
    bench: Bench, execute: Callable[..., Any]
) -> None:
    request = bench.processing("sfn-fail-1", "fail")
    ended = _ended(execute({"StartAt": "Run", "States": {"Run": _task("Processing", request)}}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert cause["ProcessingJobStatus"] == "Failed"
    assert cause["ExitMessage"] == "column 'amount' is missing"


def test_a_refused_request_has_the_services_error_and_can_be_caught(
    bench: Bench, execute: Callable[..., Any]
) -> None:
    request = bench.processing("sfn-refused-1", "metrics")
    request["ProcessingResources"]["ClusterConfig"].pop("InstanceType")
    caught = {
        "ErrorEquals": ["SageMaker.AmazonSageMakerException"],
        "Output": "{% $states.errorOutput %}",
        "Next": "Caught",
    }
    ended = _ended(
        execute(
            {
                "StartAt": "Run",
                "States": {
                    "Run": _task("Processing", request, Catch=[caught]),
                    "Caught": {"Type": "Succeed"},
                },
            }
        )
    )
    assert "InstanceType" in json.loads(ended["output"])["Cause"]


@pytest.mark.parametrize(
    ("name", "role", "action"),
    [
        ("other-1", "job", "sagemaker:CreateProcessingJob"),
        ("sfn-role-1", "machine", "iam:PassRole"),
    ],
)
def test_the_machines_role_is_held_to_its_policy(
    bench: Bench, execute: Callable[..., Any], name: str, role: str, action: str
) -> None:
    request = bench.processing(name, "metrics", RoleArn=f"arn:aws:iam::000000000000:role/{role}")
    ended = _ended(execute({"StartAt": "Run", "States": {"Run": _task("Processing", request)}}))
    assert (ended["status"], ended["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert f"not authorized to perform: {action}" in ended["cause"]


def test_stopping_an_execution_stops_its_job_and_it_stays_aborted(
    bench: Bench, execute: Callable[..., Any]
) -> None:
    item = _task("Training", bench.training("sfn-stop-1", "train", "1000", "0.05"))
    describe = execute(
        {
            "StartAt": "Each",
            "States": {
                "Each": {
                    "Type": "Map",
                    "Items": [1],
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "INLINE"},
                        "StartAt": "Run",
                        "States": {"Run": item},
                    },
                    "End": True,
                }
            },
        }
    )
    until(lambda: bench.keys("checkpoints/sfn-stop-1"))
    bench.cloud.client("stepfunctions").stop_execution(executionArn=describe()["executionArn"])
    job = bench.cloud.client("sagemaker").describe_training_job
    until(lambda: job(TrainingJobName="sfn-stop-1")["TrainingJobStatus"] == "Stopped")
    assert describe()["status"] == "ABORTED"


def test_a_state_that_times_out_stops_its_job(bench: Bench, execute: Callable[..., Any]) -> None:
    request = bench.training("sfn-late-1", "sleep")
    ended = _ended(
        execute({"StartAt": "Run", "States": {"Run": _task("Training", request, TimeoutSeconds=2)}})
    )
    assert ended["error"] == "States.Timeout"
    job = bench.cloud.client("sagemaker").describe_training_job
    until(lambda: job(TrainingJobName="sfn-late-1")["TrainingJobStatus"] == "Stopped")


def test_the_language_of_our_machines_is_understood(execute: Callable[..., Any]) -> None:
    """JSONata as the pipeline uses it: variables, merge, defaults, Map, Choice, callback-free."""
    ended = _ended(
        execute(
            {
                "StartAt": "Set",
                "States": {
                    "Set": {
                        "Type": "Pass",
                        "Assign": {
                            "base": {"a": 1},
                            "redrive": "{% $exists($states.context.Execution.RedriveCount) "
                            "? $states.context.Execution.RedriveCount : 0 %}",
                        },
                        "Next": "Each",
                    },
                    "Each": {
                        "Type": "Map",
                        "Items": "{% $states.input.groups %}",
                        "ItemSelector": {"group": "{% $states.context.Map.Item.Value %}"},
                        "ItemProcessor": {
                            "ProcessorConfig": {"Mode": "INLINE"},
                            "StartAt": "One",
                            "States": {
                                "One": {
                                    "Type": "Pass",
                                    "Output": "{% {$states.input.group: $base.a} %}",
                                    "End": True,
                                }
                            },
                        },
                        "Output": "{% $merge($states.result) %}",
                        "Next": "Enough",
                    },
                    "Enough": {
                        "Type": "Choice",
                        "Choices": [
                            {
                                "Condition": "{% $count($keys($states.input)) = 2 %}",
                                "Next": "Yes",
                            }
                        ],
                        "Default": "No",
                    },
                    "Yes": {
                        "Type": "Pass",
                        "Output": {"all": "{% $states.input %}", "redrive": "{% $redrive %}"},
                        "End": True,
                    },
                    "No": {"Type": "Fail", "Error": "No"},
                },
            },
            {"groups": ["x", "y"]},
        )
    )
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"]) == {"all": {"x": 1, "y": 1}, "redrive": 0}
