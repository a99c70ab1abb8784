"""What each Lambda function may reach: plain data from which IAM statements and environment come.

The CDK application turns these rows into exact statements and environment variables
(`TABLE_*`, `BUCKET_*`, and the variable of each `Grant`); a test holds the calls of the code
against them. A function reaches nothing that is not in its row.
"""

from dataclasses import dataclass
from enum import StrEnum

from configs.contracts.names import Function
from configs.contracts.storage import Bucket, Prefix
from configs.contracts.tables import Table


@dataclass(frozen=True)
class TableAccess:
    """DynamoDB actions (without the service prefix) on one table."""

    table: Table
    actions: tuple[str, ...]


@dataclass(frozen=True)
class BucketAccess:
    """Object access below one prefix. `list_keys` grants ListBucket conditioned on the prefix."""

    bucket: Bucket
    prefix: str
    read: bool = False
    write: bool = False
    list_keys: bool = False


class Grant(StrEnum):
    """Access that is neither a table nor a bucket; the value is the variable that names it."""

    SEND_REASONS = "QUEUE_REASONS_URL"
    PUBLISH_APPROVALS = "TOPIC_APPROVALS_ARN"
    CREATE_MODEL_PACKAGE = "MODEL_GROUP_NAME"
    READ_MODEL_PACKAGE = "MODEL_GROUP_ARN"
    SEND_TASK_RESULT = "PIPELINE_ARN"
    DESCRIBE_EXECUTION = "PIPELINE_EXECUTIONS_ARN"
    INVOKE_RECOMMEND = "RECOMMEND_FUNCTION_ARN"
    CONVERSE = "BEDROCK_MODELS"
    APPLY_GUARDRAIL = "GUARDRAIL"
    READ_METRICS = "METRIC_NAMESPACE"
    READ_IMAGES = "IMAGES"
    """JSON: SSM parameter of an image -> tag that it must record."""


@dataclass(frozen=True)
class FunctionContract:
    """One function: size, time limit and reach.

    Attributes:
        memory_mib: memory in MiB.
        timeout_s: time limit in seconds.
        bundle: `control` (boto3 from the runtime, no compiled code) or `serving` (numpy).
    """

    function: Function
    memory_mib: int = 256
    timeout_s: int = 30
    bundle: str = "control"
    tables: tuple[TableAccess, ...] = ()
    buckets: tuple[BucketAccess, ...] = ()
    grants: tuple[Grant, ...] = ()


LAKE = Bucket.LAKE
FUNCTIONS: dict[Function, FunctionContract] = {
    row.function: row
    for row in (
        FunctionContract(
            Function.BEGIN_RUN,
            tables=(TableAccess(Table.RUNS, ("PutItem", "Query")),),
            buckets=(BucketAccess(LAKE, Prefix.RUNS, read=True),),
            grants=(Grant.READ_IMAGES,),
        ),
        FunctionContract(
            Function.STAGE_CONTROL,
            timeout_s=60,
            tables=(
                TableAccess(Table.STAGES, ("GetItem", "PutItem", "UpdateItem")),
                TableAccess(Table.RUNS, ("PutItem", "Query")),
            ),
            buckets=(
                BucketAccess(LAKE, Prefix.RUNS, read=True),
                BucketAccess(LAKE, Prefix.STAGES, read=True, write=True, list_keys=True),
            ),
            grants=(Grant.DESCRIBE_EXECUTION,),
        ),
        FunctionContract(
            Function.GATE,
            tables=(TableAccess(Table.RUNS, ("PutItem",)),),
            buckets=(BucketAccess(LAKE, Prefix.STAGES, read=True),),
        ),
        FunctionContract(
            Function.REGISTER_MODEL,
            buckets=(BucketAccess(LAKE, Prefix.STAGES, read=True),),
            grants=(Grant.CREATE_MODEL_PACKAGE, Grant.READ_MODEL_PACKAGE),
        ),
        FunctionContract(
            Function.REQUEST_APPROVAL,
            tables=(
                TableAccess(Table.APPROVALS, ("GetItem", "PutItem", "UpdateItem")),
                TableAccess(Table.RUNS, ("PutItem",)),
            ),
            grants=(Grant.PUBLISH_APPROVALS, Grant.READ_MODEL_PACKAGE, Grant.SEND_TASK_RESULT),
        ),
        FunctionContract(
            Function.RESUME_APPROVAL,
            tables=(
                TableAccess(Table.APPROVALS, ("GetItem", "UpdateItem")),
                TableAccess(Table.RUNS, ("PutItem",)),
            ),
            grants=(Grant.READ_MODEL_PACKAGE, Grant.SEND_TASK_RESULT),
        ),
        FunctionContract(
            Function.PUBLISH_MODEL,
            memory_mib=512,
            timeout_s=300,
            buckets=(
                BucketAccess(LAKE, Prefix.STAGES, read=True, list_keys=True),
                BucketAccess(LAKE, Prefix.SERVING, write=True),
            ),
        ),
        FunctionContract(
            Function.PUBLISH_RECORDS,
            memory_mib=512,
            timeout_s=900,
            tables=(TableAccess(Table.CUSTOMERS, ("BatchWriteItem",)),),
            buckets=(BucketAccess(LAKE, Prefix.STAGES, read=True),),
        ),
        FunctionContract(
            Function.FLIP_POINTER,
            tables=(
                TableAccess(Table.CONTROL, ("GetItem", "PutItem")),
                TableAccess(Table.RUNS, ("PutItem",)),
            ),
        ),
        FunctionContract(
            Function.SMOKE_TEST,
            timeout_s=60,
            buckets=(BucketAccess(LAKE, Prefix.STAGES, read=True),),
            grants=(Grant.INVOKE_RECOMMEND,),
        ),
        FunctionContract(
            Function.RECORD_EXECUTION,
            tables=(TableAccess(Table.RUNS, ("PutItem", "Query", "UpdateItem")),),
            grants=(Grant.DESCRIBE_EXECUTION,),
        ),
        FunctionContract(
            Function.RECOMMEND,
            memory_mib=1024,
            timeout_s=29,
            bundle="serving",
            tables=(
                TableAccess(Table.CUSTOMERS, ("GetItem",)),
                TableAccess(Table.CONTROL, ("GetItem",)),
                TableAccess(Table.DECISIONS, ("PutItem",)),
                TableAccess(Table.REASONS, ("BatchGetItem",)),
            ),
            buckets=(BucketAccess(LAKE, Prefix.SERVING, read=True),),
            grants=(Grant.SEND_REASONS,),
        ),
        FunctionContract(
            Function.REASON_WORKER,
            memory_mib=512,
            timeout_s=120,
            bundle="serving",
            tables=(
                TableAccess(Table.REASONS, ("PutItem", "GetItem")),
                TableAccess(Table.CONTROL, ("GetItem",)),
            ),
            buckets=(BucketAccess(LAKE, Prefix.SERVING, read=True),),
            grants=(Grant.CONVERSE, Grant.APPLY_GUARDRAIL),
        ),
        FunctionContract(
            Function.REVIEW_COLLECT,
            timeout_s=120,
            tables=(
                TableAccess(Table.RUNS, ("Scan",)),
                TableAccess(Table.DECISIONS, ("Scan",)),
                TableAccess(Table.CONTROL, ("GetItem",)),
            ),
            buckets=(BucketAccess(Bucket.AUDIT, Prefix.REVIEWS, write=True),),
            grants=(Grant.READ_METRICS,),
        ),
        FunctionContract(
            Function.OPS_AGENT,
            timeout_s=120,
            buckets=(BucketAccess(Bucket.AUDIT, Prefix.REVIEWS, read=True, write=True),),
            grants=(Grant.CONVERSE,),
        ),
        FunctionContract(
            Function.AUDIT_AGENT,
            timeout_s=120,
            buckets=(BucketAccess(Bucket.AUDIT, Prefix.REVIEWS, read=True, write=True),),
            grants=(Grant.CONVERSE,),
        ),
        FunctionContract(
            Function.REVIEW_REPORT,
            buckets=(BucketAccess(Bucket.AUDIT, Prefix.REVIEWS, read=True, write=True),),
        ),
    )
}
