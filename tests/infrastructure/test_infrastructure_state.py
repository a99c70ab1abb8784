"""What holds data: encrypted with our keys, recoverable, reached by TLS, kept in production."""

from typing import Any

from configs.contracts.storage import Bucket
from configs.settings.environment import EnvironmentSettings, load_environment
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.permissions import Permissions
from tests.infrastructure.policies import Statement, statements
from tests.infrastructure.synthesis import Assembly

KEPT = (
    "AWS::DynamoDB::GlobalTable",
    "AWS::ECR::Repository",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SageMaker::ModelPackageGroup",
)
TRANSIENT = ("AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SSM::Parameter")
"""What holds messages or names, which a new deployment makes again."""
STATELESS = (
    "AWS::ApiGateway::",
    "AWS::Bedrock::",
    "AWS::Budgets::",
    "AWS::CloudWatch::",
    "AWS::CodeBuild::",
    "AWS::Events::",
    "AWS::IAM::",
    "AWS::Lambda::",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::",
    "AWS::StepFunctions::",
    "AWS::WAFv2::",
)
TLS = 1.2


def _settings(assembly: Assembly) -> EnvironmentSettings:
    return load_environment(assembly.env)


def test_every_type_is_known_to_hold_data_or_not(assembly: Assembly) -> None:
    # A new kind of store must be thought about here, not slip by.
    for row in assembly.resources():
        assert row.type in KEPT or row.type.startswith((*TRANSIENT, *STATELESS)), row.name


def test_data_is_kept_in_production_and_deleted_with_its_stack_elsewhere(
    assembly: Assembly,
) -> None:
    wanted = "Retain" if assembly.env == "prod" else "Delete"
    for row in assembly.resources(*KEPT):
        found = (row.body.get("DeletionPolicy"), row.body.get("UpdateReplacePolicy"))
        assert found == (wanted, wanted), row.name


def test_stacks_and_tables_of_production_cannot_be_deleted_by_one_command(
    assembly: Assembly,
) -> None:
    protected = assembly.env == "prod"
    for stack in assembly.templates:
        properties = assembly.manifest["artifacts"][stack]["properties"]
        assert properties.get("terminationProtection", False) is protected, stack
    for row in assembly.resources("AWS::DynamoDB::GlobalTable"):
        (replica,) = row.properties["Replicas"]
        assert replica["DeletionProtectionEnabled"] is protected, row.name


def test_tables_are_recoverable_to_any_second(assembly: Assembly) -> None:
    tables = list(assembly.resources("AWS::DynamoDB::GlobalTable"))
    assert tables
    for row in tables:
        (replica,) = row.properties["Replicas"]
        recovery = replica["PointInTimeRecoverySpecification"]
        assert recovery["PointInTimeRecoveryEnabled"] is True, row.name


def test_no_table_is_of_a_type_that_the_other_tests_do_not_read(assembly: Assembly) -> None:
    assert not list(assembly.resources("AWS::DynamoDB::Table"))


def test_keys_rotate(assembly: Assembly) -> None:
    for row in assembly.resources("AWS::KMS::Key"):
        assert row.properties["EnableKeyRotation"] is True, row.name


def _refuses_plain(row: Statement) -> bool:
    plain: dict[str, Any] = row.conditions.get("Bool", {})
    return (
        row.effect == "Deny"
        and row.principals == ("*",)
        and str(plain.get("aws:SecureTransport")) == "false"
        and len(row.conditions) == 1
    )


def test_buckets_queues_and_topics_refuse_every_unencrypted_call(deployed: Deployed) -> None:
    rows = [row for row in statements(deployed) if _refuses_plain(row)]
    covers = {
        "AWS::S3::Bucket": ("s3:*",),
        "AWS::SQS::Queue": ("sqs:*",),
        "AWS::SNS::Topic": ("sns:Publish",),
    }
    for resource in deployed.assembly.resources(*covers):
        arn = deployed.arn(resource)
        hits = [row for row in rows if arn in row.resources]
        assert any(row.actions == covers[resource.type] for row in hits), resource.name
        if resource.type == "AWS::S3::Bucket":
            assert any(f"{arn}/*" in row.resources for row in hits), resource.name


def test_buckets_refuse_old_tls_and_everything_public(deployed: Deployed) -> None:
    old = [
        row
        for row in statements(deployed)
        if row.effect == "Deny"
        and row.principals == ("*",)
        and row.conditions.get("NumericLessThan") == {"s3:TlsVersion": TLS}
    ]
    for row in deployed.assembly.resources("AWS::S3::Bucket"):
        assert any(deployed.arn(row) in statement.resources for statement in old), row.name
        assert set(row.properties["PublicAccessBlockConfiguration"].values()) == {True}, row.name
        (rule,) = row.properties["OwnershipControls"]["Rules"]
        assert rule["ObjectOwnership"] == "BucketOwnerEnforced", row.name
        assert row.properties["VersioningConfiguration"]["Status"] == "Enabled", row.name


def test_every_bucket_but_the_log_bucket_itself_logs_its_accesses(deployed: Deployed) -> None:
    targets = set()
    silent = []
    for row in deployed.assembly.resources("AWS::S3::Bucket"):
        logging = deployed.value(row.stack, row.properties.get("LoggingConfiguration", {}))
        if logging:
            targets.add(logging["DestinationBucketName"])
        else:
            silent.append(deployed.name(row))
    assert targets == set(silent)


def test_audit_objects_are_locked_as_the_environment_says(deployed: Deployed) -> None:
    settings = _settings(deployed.assembly).object_lock
    audit = Permissions(deployed).buckets[Bucket.AUDIT].properties
    assert audit["ObjectLockEnabled"] is True
    retention = audit["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": settings.mode, "Days": settings.days}


def test_no_log_is_kept_forever(assembly: Assembly) -> None:
    days = _settings(assembly).log_retention_days
    groups = list(assembly.resources("AWS::Logs::LogGroup"))
    assert groups
    assert {row.properties["RetentionInDays"] for row in groups} == {days}


def test_every_function_logs_into_a_group_of_its_own(deployed: Deployed) -> None:
    groups = [
        deployed.value(row.stack, row.properties["LoggingConfig"]["LogGroup"])
        for row in deployed.assembly.resources("AWS::Lambda::Function")
    ]
    assert len(groups) == len(set(groups))


def test_image_tags_cannot_be_moved(assembly: Assembly) -> None:
    for row in assembly.resources("AWS::ECR::Repository"):
        assert row.properties["ImageTagMutability"] == "IMMUTABLE", row.name
