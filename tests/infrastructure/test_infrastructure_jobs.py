"""The training pipeline's jobs: each reaches its own prefixes, and the machine may run them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from configs.contracts.names import PRODUCT, Machine
from configs.contracts.stages import STAGES, JobKind, Stage
from configs.contracts.storage import Bucket, Prefix
from configs.settings.environment import load_environment
from tests.infrastructure.deployed import ACCOUNT, Deployed
from tests.infrastructure.permissions import Permissions
from tests.infrastructure.synthesis import ROOT

ISOLATED = "EnableNetworkIsolation"
INVOKE = ("lambda:invoke", "lambda:invoke.waitForTaskToken")
each_stage = pytest.mark.parametrize("stage", list(STAGES), ids=str)


@dataclass(frozen=True)
class Task:
    """One task state of a machine, wherever it is nested."""

    name: str
    service: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class MachineFound:
    """A synthesised machine: role, definition and tasks."""

    role: str
    definition: dict[str, Any]
    tasks: tuple[Task, ...]

    def job(self, stage: Stage) -> Task:
        (found,) = [row for row in self.tasks if row.name == f"Run {stage}"]
        return found


@pytest.fixture(scope="module")
def permissions(deployed: Deployed) -> Permissions:
    return Permissions(deployed)


def _tasks(states: dict[str, Any]) -> Iterator[Task]:
    for name, state in states.items():
        if state["Type"] == "Task":
            yield Task(name, state["Resource"].partition(":::")[2], state["Arguments"])
        for branch in state.get("Branches", []):
            yield from _tasks(branch["States"])
        if "ItemProcessor" in state:
            yield from _tasks(state["ItemProcessor"]["States"])


def _machine(deployed: Deployed, machine: Machine) -> MachineFound:
    name = f"{PRODUCT}-{deployed.assembly.env}-{machine.value.replace('_', '-')}"
    (found,) = [
        row
        for row in deployed.assembly.resources("AWS::StepFunctions::StateMachine")
        if row.properties["StateMachineName"] == name
    ]
    properties = deployed.value(found.stack, found.properties)
    definition = json.loads(properties["DefinitionString"])
    return MachineFound(properties["RoleArn"], definition, tuple(_tasks(definition["States"])))


@pytest.fixture(scope="module")
def pipeline(deployed: Deployed) -> MachineFound:
    return _machine(deployed, Machine.TRAINING_PIPELINE)


@pytest.mark.parametrize("machine", list(Machine), ids=str)
def test_a_machine_may_invoke_exactly_the_functions_of_its_tasks(
    permissions: Permissions, machine: Machine
) -> None:
    found = _machine(permissions.deployed, machine)
    invoked = {task.arguments["FunctionName"] for task in found.tasks if task.service in INVOKE}
    assert invoked
    allowed = {
        resource
        for row in permissions.roles[found.role]
        if "lambda:InvokeFunction" in row.actions
        for resource in row.resources
    }
    assert allowed == invoked
    assert all(permissions.permits(found.role, "lambda:InvokeFunction", arn) for arn in invoked)


@each_stage
def test_the_machine_may_run_a_stages_job_to_its_end(
    permissions: Permissions, pipeline: MachineFound, stage: Stage
) -> None:
    kind = "Training" if STAGES[stage].kind is JobKind.TRAINING else "Processing"
    job = pipeline.job(stage)
    assert job.service == f"sagemaker:create{kind}Job.sync"
    region = permissions.deployed.region
    env = permissions.deployed.assembly.env
    arn = f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind.lower()}-job/{PRODUCT}-{env}-x-1-0-0"
    for action in (f"Create{kind}Job", f"Describe{kind}Job", f"Stop{kind}Job", "AddTags"):
        assert permissions.permits(pipeline.role, f"sagemaker:{action}", arn), action
        other = arn.replace(f"{PRODUCT}-{env}", f"{PRODUCT}-other")
        assert not permissions.permits(pipeline.role, f"sagemaker:{action}", other), action
    rule = (
        f"arn:aws:events:{region}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule"
    )
    for action in ("PutTargets", "PutRule", "DescribeRule"):
        assert permissions.permits(pipeline.role, f"events:{action}", rule), action


@each_stage
def test_a_job_has_a_role_of_its_own_that_the_machine_may_pass_to_sagemaker_only(
    permissions: Permissions, pipeline: MachineFound, stage: Stage
) -> None:
    role = pipeline.job(stage).arguments["RoleArn"]
    assert [task.name for task in pipeline.tasks if task.arguments.get("RoleArn") == role] == [
        f"Run {stage}"
    ]
    passes = {"iam__PassedToService": "sagemaker.amazonaws.com"}
    assert permissions.permits(pipeline.role, "iam:PassRole", role, **passes)
    elsewhere = {"iam__PassedToService": "lambda.amazonaws.com"}
    assert not permissions.permits(pipeline.role, "iam:PassRole", role, **elsewhere)
    assert not permissions.permits(pipeline.role, "iam:PassRole", pipeline.role, **passes)


@each_stage
def test_a_jobs_role_reaches_its_inputs_and_its_own_prefix_and_nothing_else(
    permissions: Permissions, pipeline: MachineFound, stage: Stage
) -> None:
    contract = STAGES[stage]
    role = pipeline.job(stage).arguments["RoleArn"]
    own = {f"{Prefix.STAGES}{stage}/"}
    if contract.kind is JobKind.TRAINING:
        own.add(f"{Prefix.CHECKPOINTS}{stage}/")
    read = own | {f"{Prefix.STAGES}{name}/" for name in contract.inputs}
    if contract.raw:
        read.add(Prefix.RAW)
    prefixes = {f"{base}{name}/" for base in (Prefix.STAGES, Prefix.CHECKPOINTS) for name in STAGES}
    prefixes |= {Prefix.RAW, Prefix.TRUTH, Prefix.RUNS, Prefix.SERVING, Prefix.REVIEWS}
    lake = permissions.deployed.arn(permissions.buckets[Bucket.LAKE])
    audit = permissions.deployed.arn(permissions.buckets[Bucket.AUDIT])
    for prefix in sorted(prefixes):
        key = f"{lake}/{prefix}k/f"
        listed = permissions.permits(role, "s3:ListBucket", lake, s3__prefix=f"{prefix}k")
        assert permissions.permits(role, "s3:GetObject", key) == (prefix in read), prefix
        assert permissions.permits(role, "s3:PutObject", key) == (prefix in own), prefix
        assert listed == (prefix in read), prefix
        assert not permissions.permits(role, "s3:DeleteObject", key), prefix
        assert not permissions.permits(role, "s3:GetObject", f"{audit}/{prefix}k/f"), prefix


@each_stage
def test_a_job_runs_its_own_module_in_the_image_of_its_contract_at_one_version(
    permissions: Permissions, pipeline: MachineFound, stage: Stage
) -> None:
    contract = STAGES[stage]
    arguments = pipeline.job(stage).arguments
    specification = arguments.get("AppSpecification") or arguments["AlgorithmSpecification"]
    entry = specification["ContainerEntrypoint"]
    assert entry == ["python", "-m", f"training_jobs.{stage}"]
    assert (ROOT / "training_jobs" / f"{stage}.py").is_file()
    uri = specification.get("ImageUri") or specification["TrainingImage"]
    repository, _, tag = uri.rpartition("/")[2].partition(":")
    assert f"image{contract.image}" in repository
    assert len(tag) == 40, "an image is named by the hash of its sources"
    role = arguments["RoleArn"]
    arn = f"arn:aws:ecr:{permissions.deployed.region}:{ACCOUNT}:repository/{repository}"
    for action in ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"):
        assert permissions.permits(role, f"ecr:{action}", arn), action


@each_stage
def test_a_job_is_isolated_encrypted_and_limited_in_time(
    permissions: Permissions, pipeline: MachineFound, stage: Stage
) -> None:
    arguments = pipeline.job(stage).arguments
    settings = load_environment(permissions.deployed.assembly.env).jobs[stage]
    assert arguments.get(ISOLATED, arguments.get("NetworkConfig", {}).get(ISOLATED)) is True
    output = arguments.get("OutputDataConfig") or arguments["ProcessingOutputConfig"]
    key = permissions.key_of(permissions.buckets[Bucket.LAKE])
    assert output["KmsKeyId"] == key
    assert arguments["StoppingCondition"]["MaxRuntimeInSeconds"] == settings.max_run_s
    cluster = arguments.get("ResourceConfig") or arguments["ProcessingResources"]["ClusterConfig"]
    assert cluster.get("VolumeKmsKeyId") == (key if settings.volume_key else None)
    assert arguments.get("EnableManagedSpotTraining", False) is settings.spot
    role = arguments["RoleArn"]
    grants = {"kms__GrantIsForAWSResource": "true"}
    assert permissions.permits(role, "kms:CreateGrant", str(key), **grants)
    assert not permissions.permits(role, "kms:CreateGrant", str(key))


def test_no_job_holds_a_right_beyond_files_image_key_and_its_own_log(
    permissions: Permissions, pipeline: MachineFound
) -> None:
    services = {
        action.partition(":")[0]
        for stage in STAGES
        for row in permissions.roles[pipeline.job(stage).arguments["RoleArn"]]
        for action in row.actions
    }
    assert services == {"cloudwatch", "ecr", "kms", "logs", "s3"}


def test_the_schedule_may_start_the_review_and_nothing_else(permissions: Permissions) -> None:
    (schedule,) = permissions.deployed.assembly.resources("AWS::Scheduler::Schedule")
    target = permissions.deployed.value(schedule.stack, schedule.properties["Target"])
    (row,) = permissions.roles[target["RoleArn"]]
    assert row.actions == ("states:StartExecution",)
    assert row.resources == (target["Arn"],)
    assert target["Arn"].endswith("ops-review")
