"""Customer keys: who may read or write an encrypted thing may use its key, and nobody else."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function
from tests.infrastructure.deployed import ACCOUNT, Deployed
from tests.infrastructure.permissions import KEY_PLACES, Permissions, applies, matches
from tests.infrastructure.policies import KEY, Statement
from tests.infrastructure.synthesis import Assembly, Resource

DECRYPT = frozenset({"kms:Decrypt"})
DELIVER = frozenset({"kms:Decrypt", "kms:GenerateDataKey"})
ENCRYPT_ITEMS = frozenset(
    {
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }
)
USES: Mapping[str, frozenset[str]] = {
    "bedrock:ApplyGuardrail": DECRYPT,
    "dynamodb:BatchGetItem": DECRYPT,
    "dynamodb:BatchWriteItem": ENCRYPT_ITEMS,
    "dynamodb:GetItem": DECRYPT,
    "dynamodb:PutItem": ENCRYPT_ITEMS,
    "dynamodb:Query": DECRYPT,
    "dynamodb:Scan": DECRYPT,
    "dynamodb:UpdateItem": ENCRYPT_ITEMS,
    "s3:GetObject": DECRYPT,
    "s3:PutObject": DELIVER,
    "sns:Publish": DELIVER,
    "sqs:ReceiveMessage": DECRYPT,
    "sqs:SendMessage": DELIVER,
}
"""Action on an encrypted resource -> what the caller needs on its key.

Sources: the developer guides of the services, sections on encryption at rest with customer keys
(DynamoDB usage notes, S3 SSE-KMS, SQS and SNS key management, Bedrock guardrails).
"""
TARGETS = (
    "AWS::Bedrock::Guardrail",
    "AWS::DynamoDB::GlobalTable",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)


@pytest.fixture(scope="module")
def permissions(deployed: Deployed) -> Permissions:
    return Permissions(deployed)


def _reached(permissions: Permissions, row: Statement) -> Iterator[tuple[str, Resource]]:
    """Yield (action, encrypted resource) for everything that a statement reaches."""
    for resource in permissions.deployed.assembly.resources(*TARGETS):
        arn = permissions.deployed.arn(resource)
        for pattern in row.resources:
            if pattern == arn or pattern.startswith(f"{arn}/"):
                yield from ((action, resource) for action in row.actions if action in USES)


def _needed(permissions: Permissions, rows: list[Statement]) -> dict[str, set[str]]:
    """Return key ARN -> actions that a role's other statements need on it."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for action, resource in _reached(permissions, row):
            if key := permissions.key_of(resource):
                found.setdefault(key, set()).update(USES[action])
    return found


def _missing(permissions: Permissions) -> list[str]:
    """Return what a role would need on a key and does not have."""
    wanted = [
        (role, action, key)
        for role, rows in permissions.roles.items()
        for key, actions in _needed(permissions, rows).items()
        for action in sorted(actions)
    ]
    assert len(wanted) > len(FUNCTIONS)
    return [
        f"{role}: {action} on {key}"
        for role, action, key in wanted
        if not permissions.permits(role, action, key)
    ]


def test_every_role_may_use_the_keys_of_what_it_reaches(permissions: Permissions) -> None:
    assert _missing(permissions) == []


def test_a_role_that_lost_a_right_on_a_key_is_found(assemblies: Mapping[str, Assembly]) -> None:
    local = assemblies["local"]
    planted = replace(local, templates=copy.deepcopy(local.templates))
    (policy,) = [
        row
        for name, row in planted.templates["Serving"]["Resources"].items()
        if row["Type"] == "AWS::IAM::Policy" and name.startswith("RecommendPolicy")
    ]
    for row in policy["Properties"]["PolicyDocument"]["Statement"]:
        if "kms:Encrypt" in row["Action"]:
            row["Action"].remove("kms:Encrypt")
    (fault,) = _missing(Permissions(Deployed(planted)))
    assert "serving-recommend" in fault
    assert "kms:Encrypt" in fault


def test_no_actions_of_the_list_are_missing_for_what_roles_do(permissions: Permissions) -> None:
    # A new action on an encrypted resource must say what it needs of the key.
    without_data = {
        "dynamodb:ConditionCheckItem",
        "s3:AbortMultipartUpload",
        "s3:ListBucket",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    }
    services = {action.partition(":")[0] for action in USES} - {"bedrock"}
    for rows in permissions.roles.values():
        for row in rows:
            for action in row.actions:
                if action.partition(":")[0] in services:
                    assert action in USES or action in without_data, f"{row.where}: {action}"


@pytest.mark.parametrize("function", list(Function), ids=str)
def test_a_function_that_writes_nothing_cannot_encrypt(
    permissions: Permissions, function: Function
) -> None:
    _, properties = permissions.function(function)
    role = properties["Role"]
    own_variables = {str(properties["KmsKeyArn"]): set(DECRYPT)}
    needed = _needed(permissions, permissions.roles[role])
    for key in permissions.deployed.assembly.resources(KEY):
        arn = permissions.deployed.arn(key)
        wanted = needed.get(arn, set()) | own_variables.get(arn, set())
        for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"):
            if action == "kms:Encrypt" and wanted & DELIVER == DELIVER:
                continue  # one set of rights for everything that writes
            assert permissions.permits(role, action, arn) == (action in wanted), (arn, action)


def test_every_function_may_decrypt_its_own_variables(permissions: Permissions) -> None:
    for function in Function:
        resource, properties = permissions.function(function)
        key = permissions.key_of(resource)
        assert key, function
        assert permissions.permits(properties["Role"], "kms:Decrypt", key), function


def test_every_key_hands_the_decision_to_the_accounts_own_policies(
    permissions: Permissions,
) -> None:
    needed = {action for actions in USES.values() for action in actions} | {
        "kms:CreateGrant",
        "kms:DescribeKey",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
    }
    root = f"arn:aws:iam::{ACCOUNT}:root"
    for key in permissions.deployed.assembly.resources(KEY):
        rows = [
            row
            for row in permissions.statements
            if row.owner == key and root in row.principals and not row.conditions
        ]
        missing = needed - {action for row in rows for action in row.actions}
        assert not missing, key.name


def _service_may(permissions: Permissions, key: str, service: str, **context: str) -> bool:
    given = {name.replace("__", ":"): value for name, value in context.items()}
    (resource,) = [
        row
        for row in permissions.deployed.assembly.resources(KEY)
        if permissions.deployed.arn(row) == key
    ]
    rows = [
        row for row in permissions.statements if row.owner == resource and service in row.principals
    ]
    return all(any(applies(row, action, key, given) for row in rows) for action in DELIVER)


def test_services_that_deliver_into_queues_and_topics_may_use_their_keys(
    permissions: Permissions,
) -> None:
    checked = set()
    for row in permissions.statements:
        if not row.owner.type.endswith(("QueuePolicy", "TopicPolicy")):
            continue
        for service in row.principals:
            for target in permissions.deployed.assembly.resources(*TARGETS):
                if permissions.deployed.arn(target) not in row.resources:
                    continue
                key = permissions.key_of(target)
                assert key, target.name
                assert _service_may(permissions, key, service, aws__SourceAccount=ACCOUNT), (
                    f"{service} cannot deliver into {target.name}"
                )
                assert not _service_may(permissions, key, service, aws__SourceAccount="0" * 12)
                checked.add(service)
    assert checked == {
        "budgets.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
    }


def test_the_log_service_may_use_the_key_of_every_log_group_of_this_account_only(
    permissions: Permissions,
) -> None:
    region = permissions.deployed.region
    for group in permissions.deployed.assembly.resources("AWS::Logs::LogGroup"):
        key = permissions.key_of(group)
        assert key, group.name
        arn = permissions.deployed.arn(group).removesuffix(":*")
        context = {"kms__EncryptionContext:aws:logs:arn": arn}
        assert _service_may(permissions, key, f"logs.{region}.amazonaws.com", **context)
        foreign = {name: text.replace(ACCOUNT, "0" * 12) for name, text in context.items()}
        assert not _service_may(permissions, key, f"logs.{region}.amazonaws.com", **foreign)


def test_alarms_and_budgets_publish_to_topics_that_let_them(permissions: Permissions) -> None:
    assembly = permissions.deployed.assembly
    topics = {permissions.deployed.arn(row) for row in assembly.resources("AWS::SNS::Topic")}
    for alarm in assembly.resources("AWS::CloudWatch::Alarm"):
        actions = permissions.deployed.value(alarm.stack, alarm.properties["AlarmActions"])
        assert set(actions) <= topics, alarm.name
        for topic in actions:
            assert any(
                "cloudwatch.amazonaws.com" in row.principals
                and "sns:Publish" in row.actions
                and any(matches(pattern, topic) for pattern in row.resources)
                for row in permissions.statements
            ), alarm.name


def test_every_type_that_can_be_encrypted_is_encrypted_with_a_key_of_ours(
    permissions: Permissions,
) -> None:
    logs = "AccessLogs"
    for resource in permissions.deployed.assembly.resources(*KEY_PLACES):
        if resource.type == "AWS::S3::Bucket" and resource.logical_id.startswith(logs):
            continue  # S3 cannot deliver access logs into a bucket with a customer key
        assert permissions.key_of(resource), resource.name
