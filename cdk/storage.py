"""Keys, buckets and tables that are secure by construction."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from configs.contracts.storage import Prefix
from configs.contracts.tables import Table
from configs.settings.environment import EnvironmentSettings

DECRYPT_AND_WRITE = ["kms:Decrypt", "kms:GenerateDataKey"]
DELEGATED = (
    "CancelKeyDeletion",
    "CreateAlias",
    "CreateGrant",
    "Decrypt",
    "DeleteAlias",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)
"""What the account's own IAM policies may permit on a symmetric key: all that such a key can do.

Without it nobody could use or manage the key. Written out, so that no policy holds `kms:*`.
"""


def removal(settings: EnvironmentSettings) -> RemovalPolicy:
    """Return what happens to data when its stack is deleted."""
    return RemovalPolicy.RETAIN if settings.removal == "retain" else RemovalPolicy.DESTROY


def customer_key(
    scope: Construct, name: str, settings: EnvironmentSettings, description: str
) -> kms.Key:
    """Return a rotating key; what may use it is said by the users' own policies."""
    return kms.Key(
        scope,
        name,
        description=description,
        policy=iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    sid="Account",
                    principals=[iam.AccountRootPrincipal()],
                    actions=[f"kms:{action}" for action in DELEGATED],
                    resources=["*"],
                )
            ]
        ),
        enable_key_rotation=True,
        removal_policy=removal(settings),
        pending_window=Duration.days(30 if settings.removal == "retain" else 7),
    )


def allow_services(key: kms.Key) -> None:
    """Let the services that write on our behalf use the key, each for this account only."""
    stack = Stack.of(key)
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LogGroups",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
            resources=["*"],
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": (
                        f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
                    )
                }
            },
        )
    )
    for service in ("events", "cloudwatch", "budgets"):
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=service.capitalize(),
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                actions=DECRYPT_AND_WRITE,
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )


def log_bucket(scope: Construct, name: str, settings: EnvironmentSettings) -> s3.Bucket:
    """Return the bucket of access logs."""
    return s3.Bucket(
        scope,
        name,
        # Server access logs cannot be delivered into a bucket with a customer key.
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        removal_policy=removal(settings),
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=Duration.days(settings.log_retention_days),
                noncurrent_version_expiration=Duration.days(1),
            )
        ],
    )


def _secure(
    scope: Construct,
    name: str,
    settings: EnvironmentSettings,
    *,
    key: kms.IKey,
    logs: s3.IBucket,
    rules: list[s3.LifecycleRule],
    lock: s3.ObjectLockRetention | None = None,
) -> s3.Bucket:
    return s3.Bucket(
        scope,
        name,
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        removal_policy=removal(settings),
        server_access_logs_bucket=logs,
        server_access_logs_prefix=f"{name.lower()}/",
        object_lock_default_retention=lock,
        lifecycle_rules=[
            s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            *rules,
        ],
    )


def lake_bucket(
    scope: Construct, settings: EnvironmentSettings, *, key: kms.IKey, logs: s3.IBucket
) -> s3.Bucket:
    """Return the bucket of raw data, stages, checkpoints and published models."""
    expiry = settings.lake_expiry
    return _secure(
        scope,
        "Lake",
        settings,
        key=key,
        logs=logs,
        rules=[
            s3.LifecycleRule(noncurrent_version_expiration=Duration.days(expiry.noncurrent_days)),
            s3.LifecycleRule(
                prefix=Prefix.CHECKPOINTS, expiration=Duration.days(expiry.checkpoint_days)
            ),
        ],
    )


def audit_bucket(
    scope: Construct, settings: EnvironmentSettings, *, key: kms.IKey, logs: s3.IBucket
) -> s3.Bucket:
    """Return the bucket whose objects cannot be changed or deleted before their time."""
    days = Duration.days(settings.object_lock.days)
    retention = s3.ObjectLockRetention
    lock = (
        retention.compliance(days)
        if settings.object_lock.mode == "COMPLIANCE"
        else retention.governance(days)
    )
    return _secure(scope, "Audit", settings, key=key, logs=logs, rules=[], lock=lock)


def secure_table(
    scope: Construct, table: Table, settings: EnvironmentSettings, *, key: kms.IKey
) -> dynamodb.TableV2:
    """Return a table by its contract: on demand, customer key, recoverable to any second."""
    contract = table.value
    text = dynamodb.AttributeType.STRING
    return dynamodb.TableV2(
        scope,
        f"Table{contract.name.capitalize()}",
        partition_key=dynamodb.Attribute(name=contract.partition_key, type=text),
        sort_key=dynamodb.Attribute(name=contract.sort_key, type=text)
        if contract.sort_key
        else None,
        billing=dynamodb.Billing.on_demand(),
        encryption=dynamodb.TableEncryptionV2.customer_managed_key(key),
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=contract.ttl,
        dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE if contract.stream else None,
        deletion_protection=settings.removal == "retain",
        removal_policy=removal(settings),
    )
