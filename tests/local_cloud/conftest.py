"""One embedded AWS for all tests of this folder, with a job role and a bucket."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_cloud.session import Cloud, session

JOB = ["python", "tests/local_cloud/job.py"]
IMAGE = "000000000000.dkr.ecr.ap-northeast-2.amazonaws.com/test@sha256:" + "0" * 64
END_S = 30.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.local_cloud)
            item.add_marker(pytest.mark.xdist_group("local_cloud"))


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with session(home=tmp_path_factory.mktemp("cloud")) as running:
        yield running


def trust(service: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )


def make_role(cloud: Cloud, name: str, service: str, statements: list[dict[str, Any]]) -> str:
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
    if not statements:
        return str(arn)
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return str(arn)


def as_role(cloud: Cloud, arn: str) -> boto3.Session:
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=cloud.region,
    )


@pytest.fixture(scope="session")
def bucket(cloud: Cloud) -> str:
    cloud.client("s3").create_bucket(
        Bucket="lake", CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    return "lake"


@pytest.fixture(scope="session")
def job_role(cloud: Cloud, bucket: str) -> str:
    """May read `open/` and write `out/` and `checkpoints/`, and nothing else."""
    return make_role(
        cloud,
        "job",
        "sagemaker.amazonaws.com",
        [
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringLike": {"s3:prefix": ["open/*", "checkpoints/*"]}},
            },
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": [
                    f"arn:aws:s3:::{bucket}/open/*",
                    f"arn:aws:s3:::{bucket}/checkpoints/*",
                ],
            },
            {
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": [
                    f"arn:aws:s3:::{bucket}/out/*",
                    f"arn:aws:s3:::{bucket}/checkpoints/*",
                ],
            },
        ],
    )


@dataclass
class Bench:
    """Makes jobs in one line and reads what they left."""

    cloud: Cloud
    bucket: str
    role: str

    def put(self, key: str, body: bytes = b"x") -> str:
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes:
        found = self.cloud.client("s3").get_object(Bucket=self.bucket, Key=key)
        return bytes(found["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        found = self.cloud.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [row["Key"] for row in found.get("Contents", [])]

    def processing(self, name: str, *arguments: str, **changes: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "ProcessingJobName": name,
            "RoleArn": self.role,
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": JOB,
                "ContainerArguments": list(arguments),
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                }
            },
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "stage",
                        "S3Output": {
                            "S3Uri": f"s3://{self.bucket}/out/{name}",
                            "LocalPath": "/opt/ml/processing/output/stage",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        }
        return request | changes

    def processing_input(self, prefix: str, *, sharded: bool = False) -> dict[str, Any]:
        return {
            "InputName": "data",
            "S3Input": {
                "S3Uri": f"s3://{self.bucket}/{prefix}",
                "LocalPath": "/opt/ml/processing/input/data",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "ShardedByS3Key" if sharded else "FullyReplicated",
            },
        }

    def training(self, name: str, *arguments: str, **changes: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": JOB,
                "ContainerArguments": list(arguments),
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
            "OutputDataConfig": {
                "S3OutputPath": f"s3://{self.bucket}/out",
                "CompressionType": "NONE",
            },
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
            "CheckpointConfig": {"S3Uri": f"s3://{self.bucket}/checkpoints/{name}"},
            "EnableNetworkIsolation": True,
        }
        return request | changes

    def start(self, request: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        """Create the job; returns its describe call."""
        client = self.cloud.client("sagemaker")
        if "TrainingJobName" in request:
            client.create_training_job(**request)
            return lambda: client.describe_training_job(TrainingJobName=request["TrainingJobName"])
        client.create_processing_job(**request)
        return lambda: client.describe_processing_job(
            ProcessingJobName=request["ProcessingJobName"]
        )

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create the job and wait for its end."""
        return ended(self.start(request))


def status(described: dict[str, Any]) -> str:
    return str(described.get("TrainingJobStatus") or described["ProcessingJobStatus"])


def until(check: Callable[[], Any], *, seconds: float = END_S) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.03)
    raise AssertionError(f"did not happen within {seconds} s: {check}")


def ended(describe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    def final() -> dict[str, Any] | None:
        described = describe()
        return described if status(described) in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(final)
    return found


@pytest.fixture(scope="session")
def bench(cloud: Cloud, bucket: str, job_role: str) -> Bench:
    return Bench(cloud, bucket, job_role)
