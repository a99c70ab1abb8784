"""A create request read once: the same plain description for training and processing jobs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The two job APIs; the value is the prefix of their members."""

    TRAINING = "Training"
    PROCESSING = "Processing"


@dataclass(frozen=True)
class Input:
    """Objects below `uri` appear in `folder` (relative to /opt/ml)."""

    name: str
    uri: str
    folder: str
    sharded: bool


@dataclass(frozen=True)
class Output:
    """Files of `folder` (relative to /opt/ml) are put below `uri`."""

    name: str
    uri: str
    folder: str
    continuous: bool


@dataclass(frozen=True)
class Specification:
    """One job.

    Attributes:
        entrypoint: the request's entry point; empty: the image's own.
        output_uri: where a training job's model goes; empty for processing.
        compressed: whether the model is packed as model.tar.gz.
        max_wait: seconds within which a spot job must end, counted from its start.
        checkpoints: S3 prefix and folder, or None.
        metrics: metric name -> regular expression with one group.
    """

    kind: Kind
    name: str
    image: str
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: dict[str, str]
    hyperparameters: dict[str, str]
    role: str
    instances: int
    instance_type: str
    max_runtime: int
    max_wait: int
    spot: bool
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    output_uri: str
    compressed: bool
    kms_key: str
    checkpoints: Output | None
    metrics: dict[str, str]

    @property
    def hosts(self) -> list[str]:
        """Names of the instances."""
        return [f"algo-{number + 1}" for number in range(self.instances)]


ML = "/opt/ml/"
DAY = 86400


def _below_ml(path: str) -> str:
    if not f"{path}/".startswith(ML):
        raise ValueError(f"local path {path} is not below {ML}")
    return path.removeprefix(ML).strip("/")


def _training(request: dict[str, Any]) -> Specification:
    algorithm = request["AlgorithmSpecification"]
    output = request["OutputDataConfig"]
    checkpoint = request.get("CheckpointConfig")
    stopping = request["StoppingCondition"]
    spot = bool(request.get("EnableManagedSpotTraining"))
    runtime = int(stopping.get("MaxRuntimeInSeconds", DAY))
    wait = int(stopping.get("MaxWaitTimeInSeconds", runtime))
    if spot and wait < runtime:
        raise ValueError("MaxWaitTimeInSeconds must be at least MaxRuntimeInSeconds")
    inputs = []
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"]["S3DataSource"]
        if source.get("S3DataType", "S3Prefix") != "S3Prefix":
            raise ValueError(f"channel {channel['ChannelName']}: only S3Prefix works offline")
        if channel.get("InputMode", algorithm.get("TrainingInputMode", "File")) != "File":
            raise ValueError(f"channel {channel['ChannelName']}: only File mode works offline")
        inputs.append(
            Input(
                channel["ChannelName"],
                source["S3Uri"],
                f"input/data/{channel['ChannelName']}",
                source.get("S3DataDistributionType") == "ShardedByS3Key",
            )
        )
    return Specification(
        kind=Kind.TRAINING,
        name=request["TrainingJobName"],
        image=algorithm.get("TrainingImage", ""),
        entrypoint=tuple(algorithm.get("ContainerEntrypoint", ())),
        arguments=tuple(algorithm.get("ContainerArguments", ())),
        environment=dict(request.get("Environment", {})),
        hyperparameters=dict(request.get("HyperParameters", {})),
        role=request["RoleArn"],
        instances=int(request["ResourceConfig"].get("InstanceCount", 1)),
        instance_type=request["ResourceConfig"].get("InstanceType", ""),
        max_runtime=runtime,
        max_wait=wait,
        spot=spot,
        inputs=tuple(inputs),
        outputs=(),
        output_uri=output["S3OutputPath"].rstrip("/"),
        compressed=output.get("CompressionType", "GZIP") == "GZIP",
        kms_key=output.get("KmsKeyId", ""),
        checkpoints=None
        if checkpoint is None
        else Output(
            "checkpoints",
            checkpoint["S3Uri"],
            _below_ml(checkpoint.get("LocalPath", "/opt/ml/checkpoints")),
            continuous=True,
        ),
        metrics={row["Name"]: row["Regex"] for row in algorithm.get("MetricDefinitions", [])},
    )


def _processing(request: dict[str, Any]) -> Specification:
    application = request["AppSpecification"]
    cluster = request["ProcessingResources"]["ClusterConfig"]
    output = request.get("ProcessingOutputConfig", {"Outputs": []})
    inputs = []
    for row in request.get("ProcessingInputs", []):
        source = row["S3Input"]
        if source.get("S3DataType") != "S3Prefix" or source.get("S3InputMode", "File") != "File":
            raise ValueError(f"input {row['InputName']}: only S3Prefix in File mode works offline")
        inputs.append(
            Input(
                row["InputName"],
                source["S3Uri"],
                _below_ml(source["LocalPath"]),
                source.get("S3DataDistributionType") == "ShardedByS3Key",
            )
        )
    runtime = int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY))
    return Specification(
        kind=Kind.PROCESSING,
        name=request["ProcessingJobName"],
        image=application["ImageUri"],
        entrypoint=tuple(application.get("ContainerEntrypoint", ())),
        arguments=tuple(application.get("ContainerArguments", ())),
        environment=dict(request.get("Environment", {})),
        hyperparameters={},
        role=request["RoleArn"],
        instances=int(cluster["InstanceCount"]),
        instance_type=cluster["InstanceType"],
        max_runtime=runtime,
        max_wait=runtime,
        spot=False,
        inputs=tuple(inputs),
        outputs=tuple(
            Output(
                row["OutputName"],
                row["S3Output"]["S3Uri"],
                _below_ml(row["S3Output"]["LocalPath"]),
                row["S3Output"]["S3UploadMode"] == "Continuous",
            )
            for row in output["Outputs"]
        ),
        output_uri="",
        compressed=False,
        kms_key=output.get("KmsKeyId", ""),
        checkpoints=None,
        metrics={},
    )


def specify(kind: Kind, request: dict[str, Any]) -> Specification:
    """Return what a create request asks for.

    Raises:
        ValueError: it asks for something that AWS refuses or that this runner does not do.
    """
    return _training(request) if kind is Kind.TRAINING else _processing(request)
