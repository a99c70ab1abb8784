"""Job states: names that never repeat, checkpoints where spot, images, limits, isolation."""

import re
from dataclasses import replace
from typing import Any

import pytest

from configs.contracts.stages import STAGES, JobKind, Stage
from configs.settings.environment import ENVIRONMENTS
from step_functions.jobs import TIMEOUT_MARGIN_S, job_name, job_state, job_statements
from tests.fixtures.asl_walk import evaluate
from tests.fixtures.pipeline_play import PROCESSING, TRAINING

SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
PROCESSED = [stage for stage, row in STAGES.items() if row.kind is JobKind.PROCESSING]
TRAINED = [stage for stage, row in STAGES.items() if row.kind is JobKind.TRAINING]


def named(base: str, *, retry: int, redrive: int | None) -> str:
    execution = {} if redrive is None else {"RedriveCount": redrive}
    states = {"context": {"Execution": execution, "State": {"RetryCount": retry}}}
    found: str = evaluate(job_name("$plan"), states, {"plan": {"job_base": base}})
    return found


@pytest.mark.parametrize("env", ENVIRONMENTS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_name_fits_sagemaker_at_any_count(stage: Stage, env: str) -> None:
    base = f"sevenlens-{env}-{stage.value.replace('_', '')}-{'f' * 10}"
    assert len(base) <= 45
    for retry, redrive in ((0, None), (0, 0), (19, 7), (999, 99_999)):
        name = named(base, retry=retry, redrive=redrive)
        assert SAGEMAKER_NAME.fullmatch(name), name
        assert name.startswith(f"sevenlens-{env}-")


def test_no_retry_and_no_redrive_repeats_a_name() -> None:
    names = [
        named("b", retry=retry, redrive=redrive) for retry in range(25) for redrive in range(25)
    ]
    assert len(set(names)) == len(names)


def test_an_execution_that_was_never_redriven_counts_as_redriven_zero_times() -> None:
    assert named("b", retry=0, redrive=None) == named("b", retry=0, redrive=0) == "b-0-0"


def state(stage: Stage, **changes: Any) -> dict[str, Any]:
    base = TRAINING if STAGES[stage].kind is JobKind.TRAINING else PROCESSING
    return job_state(stage, replace(base, **changes), plan="$plan")


def test_every_job_waits_for_its_end_and_by_its_own_api() -> None:
    for stage, contract in STAGES.items():
        kind = contract.kind.value.capitalize()
        assert state(stage)["Resource"].endswith(f":sagemaker:create{kind}Job.sync")


@pytest.mark.parametrize("spot", [True, False])
@pytest.mark.parametrize("stage", TRAINED)
def test_spot_training_has_checkpoints_and_waits_longer_than_it_runs(
    stage: Stage, spot: bool
) -> None:
    made = state(stage, spot=spot)
    arguments = made["Arguments"]
    assert arguments["EnableManagedSpotTraining"] is spot
    stopping = arguments["StoppingCondition"]
    assert stopping["MaxRuntimeInSeconds"] == TRAINING.max_run_s
    assert ("MaxWaitTimeInSeconds" in stopping) is spot
    longest = stopping.get("MaxWaitTimeInSeconds", TRAINING.max_run_s)
    assert longest >= TRAINING.max_run_s
    assert made["TimeoutSeconds"] == longest + TIMEOUT_MARGIN_S
    uri = evaluate(
        arguments["CheckpointConfig"]["S3Uri"], {}, {"plan": {"checkpoint_uri": "s3://c/k/"}}
    )
    assert uri == "s3://c/k/"
    assert arguments["OutputDataConfig"]["CompressionType"] == "NONE"


@pytest.mark.parametrize("stage", PROCESSED)
def test_processing_has_its_time_limit_below_its_states(stage: Stage) -> None:
    made = state(stage)
    limit = made["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"]
    assert limit == PROCESSING.max_run_s < made["TimeoutSeconds"]
    cluster = made["Arguments"]["ProcessingResources"]["ClusterConfig"]
    assert cluster["InstanceCount"] == PROCESSING.instance_count


@pytest.mark.parametrize("stage", PROCESSED)
def test_processing_output_lies_below_the_jobs_own_name(stage: Stage) -> None:
    """No two attempts write into one folder, so an output is never overwritten."""
    arguments = state(stage)["Arguments"]
    states = {"context": {"Execution": {"RedriveCount": 2}, "State": {"RetryCount": 1}}}
    plan = {"job_base": "base", "output_prefix": "s3://lake/stages/x/k/"}
    (output,) = arguments["ProcessingOutputConfig"]["Outputs"]
    uri = evaluate(output["S3Output"]["S3Uri"], states, {"plan": plan})
    assert uri == "s3://lake/stages/x/k/base-2-1"
    assert evaluate(arguments["ProcessingJobName"], states, {"plan": plan}) == "base-2-1"


@pytest.mark.parametrize("stage", STAGES)
def test_every_job_is_isolated_encrypted_and_runs_its_stages_entry_point(stage: Stage) -> None:
    text = str(state(stage))
    assert "'EnableNetworkIsolation': True" in text
    assert "'KmsKeyId': '${Key.data}'" in text
    assert f"'training_jobs.{stage.value}'" in text
    assert f"'${{Image.{STAGES[stage].image}}}'" in text
    assert f"'RoleArn': '${{Role.{stage.value}}}'" in text


@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize("stage", STAGES)
def test_a_volume_key_is_named_only_where_the_instance_accepts_one(
    stage: Stage, accepts: bool
) -> None:
    assert ("VolumeKmsKeyId" in str(state(stage, volume_key=accepts))) is accepts


def test_the_roles_statements_cover_both_kinds_and_pass_only_stage_roles_to_sagemaker() -> None:
    statements = job_statements()
    for kind in ("Processing", "Training"):
        for verb in ("Create", "Describe", "Stop"):
            (row,) = [row for row in statements if f"sagemaker:{verb}{kind}Job" in row.actions]
            assert row.resources == (
                f"arn:${{Aws.partition}}:sagemaker:${{Aws.region}}:${{Aws.account}}:"
                f"{kind.lower()}-job/sevenlens-${{Env.name}}-*",
            )
    (passed,) = [row for row in statements if row.actions == ("iam:PassRole",)]
    assert set(passed.resources) == {f"${{Role.{stage}}}" for stage in STAGES}
    assert passed.conditions == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert not any("*" in action for row in statements for action in row.actions)


def test_prices_are_of_all_instances_and_spot_waits_an_hour_more() -> None:
    assert PROCESSING.price == {"usd_per_hour": 0.5, "max_run_s": 1800}
    assert (PROCESSING.longest_s, TRAINING.longest_s) == (1800, 7200 + 3600)
