"""From a function's contract to the exact statements and variables that it gets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aws_cdk import Aws

from cdk.naming import Handles, arn, executions_arn, machine_arn
from cdk.policies import KEY_READ, KEY_USE, Allow
from configs.contracts.functions import BucketAccess, FunctionContract, Grant
from configs.contracts.names import METRIC_NAMESPACE, Machine, Queue, Topic
from configs.contracts.storage import Bucket
from configs.settings.environment import BedrockSettings

ITEM_WRITES = frozenset({"BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"})
"""DynamoDB actions for which the caller must be able to encrypt; the others only decrypt."""
PREFIX_REASON = "objects are named by content hashes: the prefix is as exact as it can be"


@dataclass(frozen=True)
class Surroundings:
    """What grants point to in one environment; each stack fills what its functions need.

    Attributes:
        model_group: name of the model package group.
        recommend_arn: ARN of the recommend function's alias.
        guardrail_arn: ARN of the guardrail.
        guardrail: `<id>:<version>`.
        images: SSM parameter of an image -> tag that it must record.
    """

    handles: Handles
    bedrock: BedrockSettings
    model_group: str = ""
    recommend_arn: str = ""
    guardrail_arn: str = ""
    guardrail: str = ""
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Reach:
    """Statements and variables of one function."""

    allows: list[Allow] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def _send_reasons(around: Surroundings) -> tuple[list[Allow], str]:
    queue = Queue.REASONS.value
    return (
        [Allow(("sqs:SendMessage",), (around.handles.queue_arn(queue),))],
        around.handles.queue_url(queue),
    )


def _publish_approvals(around: Surroundings) -> tuple[list[Allow], str]:
    topic = around.handles.topic_arn(Topic.APPROVALS.value)
    return [Allow(("sns:Publish",), (topic,))], topic


def _packages(around: Surroundings) -> str:
    return arn("sagemaker", f"model-package/{around.model_group}/*")


def _create_model_package(around: Surroundings) -> tuple[list[Allow], str]:
    group = arn("sagemaker", f"model-package-group/{around.model_group}")
    return (
        [
            Allow(
                (
                    "sagemaker:CreateModelPackage",
                    "sagemaker:DescribeModelPackage",
                    "sagemaker:AddTags",
                ),
                (group, _packages(around)),
                reason="versions of the group are numbered by AWS",
            ),
            Allow(("sagemaker:ListModelPackages",), (group,)),
        ],
        around.model_group,
    )


def _read_model_package(around: Surroundings) -> tuple[list[Allow], str]:
    return (
        [
            Allow(
                ("sagemaker:DescribeModelPackage",),
                (_packages(around),),
                reason="versions of the group are numbered by AWS",
            )
        ],
        arn("sagemaker", f"model-package-group/{around.model_group}"),
    )


def _send_task_result(around: Surroundings) -> tuple[list[Allow], str]:
    machine = machine_arn(around.handles.env, Machine.TRAINING_PIPELINE)
    actions = ("states:SendTaskSuccess", "states:SendTaskFailure")
    return [Allow(actions, (machine,))], machine


def _describe_execution(around: Surroundings) -> tuple[list[Allow], str]:
    executions = executions_arn(around.handles.env, Machine.TRAINING_PIPELINE)
    return (
        [
            Allow(
                ("states:DescribeExecution",),
                (executions,),
                reason="executions of one machine; each has its own name",
            )
        ],
        executions,
    )


def _invoke_recommend(around: Surroundings) -> tuple[list[Allow], str]:
    return (
        [Allow(("lambda:InvokeFunction",), (around.recommend_arn,))],
        around.recommend_arn,
    )


def _converse(around: Surroundings) -> tuple[list[Allow], str]:
    models = around.bedrock.models
    foundation = tuple(
        f"arn:{Aws.PARTITION}:bedrock:{region}::foundation-model/{model.foundation_model}"
        for model in models
        for region in model.regions
    )
    profiles = tuple(arn("bedrock", f"inference-profile/{m.id}") for m in models if m.is_profile)
    return (
        [Allow(("bedrock:InvokeModel",), foundation + profiles)],
        ",".join(model.id for model in models),
    )


def _apply_guardrail(around: Surroundings) -> tuple[list[Allow], str]:
    return [Allow(("bedrock:ApplyGuardrail",), (around.guardrail_arn,))], around.guardrail


def _read_metrics(_around: Surroundings) -> tuple[list[Allow], str]:
    return (
        [
            Allow(
                ("cloudwatch:GetMetricData",),
                ("*",),
                reason="reading metrics knows no resource and no namespace condition",
            )
        ],
        METRIC_NAMESPACE,
    )


def _read_images(around: Surroundings) -> tuple[list[Allow], str]:
    parameters = tuple(arn("ssm", f"parameter{name}") for name in around.images)
    return (
        [Allow(("ssm:GetParameter",), parameters)],
        json.dumps(dict(around.images), sort_keys=True),
    )


GRANTS: Mapping[Grant, Callable[[Surroundings], tuple[list[Allow], str]]] = {
    Grant.SEND_REASONS: _send_reasons,
    Grant.PUBLISH_APPROVALS: _publish_approvals,
    Grant.CREATE_MODEL_PACKAGE: _create_model_package,
    Grant.READ_MODEL_PACKAGE: _read_model_package,
    Grant.SEND_TASK_RESULT: _send_task_result,
    Grant.DESCRIBE_EXECUTION: _describe_execution,
    Grant.INVOKE_RECOMMEND: _invoke_recommend,
    Grant.CONVERSE: _converse,
    Grant.APPLY_GUARDRAIL: _apply_guardrail,
    Grant.READ_METRICS: _read_metrics,
    Grant.READ_IMAGES: _read_images,
}


def bucket_allows(
    handles: Handles, access: BucketAccess, *, multipart: bool = False
) -> list[Allow]:
    """Return the statements for objects below one prefix.

    Args:
        multipart: large objects are written in parts, and what failed is cleared away.
    """
    bucket = handles.bucket_arn(access.bucket)
    actions: tuple[str, ...] = ()
    if access.read:
        actions += ("s3:GetObject",)
    if access.write:
        actions += ("s3:PutObject",)
        if multipart:
            actions += ("s3:AbortMultipartUpload",)
    allows = []
    if actions:
        allows.append(Allow(actions, (f"{bucket}/{access.prefix}*",), reason=PREFIX_REASON))
    if access.list_keys:
        allows.append(
            Allow(
                ("s3:ListBucket",),
                (bucket,),
                conditions={"StringLike": {"s3:prefix": [f"{access.prefix}*"]}},
            )
        )
    return allows


def key_of(bucket: Bucket) -> str:
    """Return the name of the key that encrypts a bucket."""
    return "audit" if bucket is Bucket.AUDIT else "data"


def reach(contract: FunctionContract, around: Surroundings) -> Reach:
    """Return everything that a function may reach, and nothing else.

    Every function may decrypt with the data key, which encrypts its own variables.
    """
    found = Reach()
    handles = around.handles
    uses = {"data": False}
    for table in contract.tables:
        found.allows.append(
            Allow(
                tuple(f"dynamodb:{action}" for action in table.actions),
                (handles.table_arn(table.table),),
            )
        )
        found.variables[table.table.value.variable] = handles.table_name(table.table)
        uses["data"] |= bool(ITEM_WRITES & set(table.actions))
    for access in contract.buckets:
        found.allows += bucket_allows(handles, access)
        found.variables[access.bucket.value.variable] = handles.bucket_name(access.bucket)
        key = key_of(access.bucket)
        uses[key] = uses.get(key, False) or access.write
    for name in contract.grants:
        allows, value = GRANTS[name](around)
        found.allows += allows
        found.variables[name.value] = value
    if {Grant.SEND_REASONS, Grant.PUBLISH_APPROVALS} & set(contract.grants):
        uses["data"] = True
    for key, writes in uses.items():
        found.allows.append(Allow(KEY_USE if writes else KEY_READ, (handles.key_arn(key),)))
    return found
