"""One role a stage: its job reads its inputs' prefixes, writes its own, and nothing else."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.naming import Handles, arn
from cdk.policies import KEY_USE, Allow, Deny, grant, service_role
from cdk.reach import bucket_allows
from configs.contracts.functions import BucketAccess
from configs.contracts.stages import JobKind, StageContract
from configs.contracts.storage import Bucket, Prefix

JOB_LOGS = {
    JobKind.PROCESSING: "/aws/sagemaker/ProcessingJobs",
    JobKind.TRAINING: "/aws/sagemaker/TrainingJobs",
}
"""Log groups, and metric namespaces, that SageMaker gives to all jobs of an account."""


def stage_prefix(stage: str) -> str:
    """Return the prefix below which a stage's settings and outputs stand."""
    return f"{Prefix.STAGES}{stage}/"


def job_access(contract: StageContract) -> list[BucketAccess]:
    """Return the prefixes of the lake that a stage's job reads and writes."""
    lake = Bucket.LAKE
    own = stage_prefix(contract.stage)
    rows = [BucketAccess(lake, own, read=True, write=True, list_keys=True)]
    rows += [
        BucketAccess(lake, stage_prefix(stage), read=True, list_keys=True)
        for stage in contract.inputs
    ]
    if contract.raw:
        rows.append(BucketAccess(lake, Prefix.RAW, read=True, list_keys=True))
    if contract.kind is JobKind.TRAINING:
        checkpoints = f"{Prefix.CHECKPOINTS}{contract.stage}/"
        rows.append(BucketAccess(lake, checkpoints, read=True, write=True, list_keys=True))
    return rows


def no_truth(handles: Handles) -> list[Deny]:
    """Return what keeps a job from the ground truth, whatever else its role is ever allowed."""
    lake = handles.bucket_arn(Bucket.LAKE)
    below = [Prefix.TRUTH.removesuffix("/"), f"{Prefix.TRUTH}*"]
    return [
        Deny(("s3:*",), (f"{lake}/{Prefix.TRUTH}*",)),
        Deny(("s3:List*",), (lake,), conditions={"StringLike": {"s3:prefix": below}}),
    ]


def job_role(scope: Construct, contract: StageContract, handles: Handles) -> iam.Role:
    """Return the role of one stage's job."""
    stage = contract.stage
    words = "".join(word.capitalize() for word in stage.value.split("_"))
    group = JOB_LOGS[contract.kind]
    role = service_role(scope, f"Job{words}", "sagemaker.amazonaws.com", f"Jobs of stage {stage}")
    key = handles.key_arn("data")
    allows = [
        allow
        for access in job_access(contract)
        for allow in bucket_allows(handles, access, multipart=True)
    ]
    allows += [
        Allow(KEY_USE, (key,)),
        Allow(
            ("kms:CreateGrant",),
            (key,),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Allow(
            ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
            (handles.repository_arn(contract.image),),
        ),
        Allow(
            ("ecr:GetAuthorizationToken",),
            ("*",),
            reason="a registry token belongs to no repository",
        ),
        Allow(
            (
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ),
            (arn("logs", f"log-group:{group}:*"),),
            reason="SageMaker names one log stream a job and instance",
        ),
        Allow(
            ("cloudwatch:PutMetricData",),
            ("*",),
            reason="writing metrics knows no resource; the namespace is conditioned",
            conditions={"StringEquals": {"cloudwatch:namespace": group}},
        ),
    ]
    grant(scope, f"Job{words}Policy", role, allows, denies=no_truth(handles))
    return role
