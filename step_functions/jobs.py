"""States that run a SageMaker job to its end, and the statements they need.

CDK's own task library has no processing task and no spot or checkpoint properties.
"""

from typing import Any

from configs.contracts.artefacts import SETTINGS_NAME
from configs.contracts.names import PRODUCT
from configs.contracts.stages import STAGES, JobKind, Stage
from configs.version import VERSION_VARIABLE
from step_functions.retries import job_retries
from step_functions.spec import (
    ACCOUNT_SCOPE,
    ENVIRONMENT,
    KEY_ARN,
    PARTITION,
    VERSION,
    JobResources,
    Statement,
    image_uri,
    role_arn,
)

SETTINGS_CHANNEL = SETTINGS_NAME.removesuffix(".json")
TIMEOUT_MARGIN_S = 900
"""Start-up and upload of a job come on top of its own time limit."""


def job_name(plan: str) -> str:
    """Return the JSONata of a name that neither a retry nor a redrive repeats.

    `plan.job_base` has at most 45 characters, so the name stays within SageMaker's 63.
    """
    redrive = (
        "($exists($states.context.Execution.RedriveCount)"
        " ? $states.context.Execution.RedriveCount : 0)"
    )
    return (
        f"{{% {plan}.job_base & '-' & $string({redrive})"
        " & '-' & $string($states.context.State.RetryCount) %}"
    )


def _common(stage: Stage) -> dict[str, Any]:
    return {
        "RoleArn": role_arn(stage),
        "Environment": {VERSION_VARIABLE: VERSION},
        "Tags": [
            {"Key": "product", "Value": PRODUCT},
            {"Key": "version", "Value": VERSION},
            {"Key": "stage", "Value": stage.value},
        ],
    }


def _entry_point(stage: Stage) -> list[str]:
    return ["python", "-m", f"training_jobs.{stage.value}"]


def _volume(resources: JobResources) -> dict[str, Any]:
    size: dict[str, Any] = {"VolumeSizeInGB": resources.volume_gib}
    if resources.volume_key:
        size["VolumeKmsKeyId"] = KEY_ARN
    return size


def processing_state(stage: Stage, resources: JobResources, *, plan: str) -> dict[str, Any]:
    """Return the Task that runs a stage's processing job and waits for its end."""
    contract = STAGES[stage]
    return {
        "Type": "Task",
        "Resource": f"arn:{PARTITION}:states:::sagemaker:createProcessingJob.sync",
        "Arguments": {
            "ProcessingJobName": job_name(plan),
            "AppSpecification": {
                "ImageUri": image_uri(contract.image),
                "ContainerEntrypoint": _entry_point(stage),
            },
            "ProcessingInputs": f"{{% {plan}.processing_inputs %}}",
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "stage",
                        "S3Output": {
                            "S3Uri": f"{{% {plan}.output_prefix & ({job_name(plan)[3:-3]}) %}}",
                            "LocalPath": "/opt/ml/processing/output/stage",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ],
                "KmsKeyId": KEY_ARN,
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": resources.instance_count,
                    "InstanceType": resources.instance_type,
                    **_volume(resources),
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": resources.max_run_s},
            "NetworkConfig": {"EnableNetworkIsolation": True},
            **_common(stage),
        },
        "TimeoutSeconds": resources.longest_s + TIMEOUT_MARGIN_S,
        "Retry": job_retries(),
    }


def training_state(stage: Stage, resources: JobResources, *, plan: str) -> dict[str, Any]:
    """Return the Task that runs a stage's training job, on spot where configured."""
    contract = STAGES[stage]
    stopping: dict[str, Any] = {"MaxRuntimeInSeconds": resources.max_run_s}
    if resources.spot:
        stopping["MaxWaitTimeInSeconds"] = resources.max_wait_s
    return {
        "Type": "Task",
        "Resource": f"arn:{PARTITION}:states:::sagemaker:createTrainingJob.sync",
        "Arguments": {
            "TrainingJobName": job_name(plan),
            "AlgorithmSpecification": {
                "TrainingImage": image_uri(contract.image),
                "TrainingInputMode": "File",
                "ContainerEntrypoint": _entry_point(stage),
            },
            "InputDataConfig": f"{{% {plan}.training_channels %}}",
            "OutputDataConfig": {
                "S3OutputPath": f"{{% {plan}.output_prefix %}}",
                "KmsKeyId": KEY_ARN,
                "CompressionType": "NONE",
            },
            "CheckpointConfig": {"S3Uri": f"{{% {plan}.checkpoint_uri %}}"},
            "ResourceConfig": {
                "InstanceCount": resources.instance_count,
                "InstanceType": resources.instance_type,
                **_volume(resources),
            },
            "EnableManagedSpotTraining": resources.spot,
            "EnableNetworkIsolation": True,
            "StoppingCondition": stopping,
            **_common(stage),
        },
        "TimeoutSeconds": resources.longest_s + TIMEOUT_MARGIN_S,
        "Retry": job_retries(),
    }


def job_state(stage: Stage, resources: JobResources, *, plan: str) -> dict[str, Any]:
    """Return the Task of a stage's job by its kind."""
    if STAGES[stage].kind is JobKind.TRAINING:
        return training_state(stage, resources, plan=plan)
    return processing_state(stage, resources, plan=plan)


def job_name_output(stage: Stage) -> str:
    """Return the key of a finished job's description that holds its name."""
    training = STAGES[stage].kind is JobKind.TRAINING
    return "TrainingJobName" if training else "ProcessingJobName"


def job_statements() -> tuple[Statement, ...]:
    """Return what the machine's role needs to run every stage's job and wait for it."""
    scope = f"arn:{PARTITION}:sagemaker:{ACCOUNT_SCOPE}"
    prefix = f"{PRODUCT}-{ENVIRONMENT}"
    jobs = (f"{scope}:processing-job/{prefix}-*", f"{scope}:training-job/{prefix}-*")
    rules = f"arn:{PARTITION}:events:{ACCOUNT_SCOPE}:rule/StepFunctionsGetEventsForSageMaker"
    return (
        Statement(
            (
                "sagemaker:CreateProcessingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:StopProcessingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ),
            jobs[:1],
        ),
        Statement(
            (
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ),
            jobs[1:],
        ),
        Statement(
            ("iam:PassRole",),
            tuple(role_arn(stage) for stage in STAGES),
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        Statement(
            ("events:PutTargets", "events:PutRule", "events:DescribeRule"),
            (f"{rules}ProcessingJobsRule", f"{rules}TrainingJobsRule"),
        ),
    )
