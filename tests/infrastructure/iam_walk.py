"""What no policy of the application may say; each fault is one sentence naming its place."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tests.infrastructure.deployed import Deployed
from tests.infrastructure.policies import KEY, Statement, statements

NO_RESOURCE: Mapping[str, str] = {
    "cloudwatch:GetMetricData": "CloudWatch has no resource type for metrics",
    "cloudwatch:PutMetricData": "CloudWatch has no resource type for metrics",
    "ecr:GetAuthorizationToken": "the token is the registry's, not a repository's",
    "logs:CreateLogDelivery": "a delivery is not an IAM resource; Step Functions needs it",
    "logs:DeleteLogDelivery": "a delivery is not an IAM resource; Step Functions needs it",
    "logs:DescribeLogGroups": "Step Functions lists before it delivers, over all groups",
    "logs:DescribeResourcePolicies": "resource policies of logs belong to account and region",
    "logs:GetLogDelivery": "a delivery is not an IAM resource; Step Functions needs it",
    "logs:ListLogDeliveries": "a delivery is not an IAM resource; Step Functions needs it",
    "logs:PutResourcePolicy": "resource policies of logs belong to account and region",
    "logs:UpdateLogDelivery": "a delivery is not an IAM resource; Step Functions needs it",
    "xray:GetSamplingRules": "X-Ray's data plane has no resources",
    "xray:GetSamplingTargets": "X-Ray's data plane has no resources",
    "xray:PutTelemetryRecords": "X-Ray's data plane has no resources",
    "xray:PutTraceSegments": "X-Ray's data plane has no resources",
}
"""Actions that may stand beside a bare `*`: they do not support resource-level permissions.

Source: AWS Service Authorization Reference; for the deliveries of logs also "Logging using
CloudWatch Logs" in the guide of Step Functions.
"""
PASS_ROLE = "iam:PassRole"
PASSED_TO = "iam:PassedToService"


def _actions(row: Statement) -> Iterator[str]:
    for action in row.actions:
        if "*" in action or "?" in action:
            yield f"{row.where}: wildcard in the action {action}"


def _resources(row: Statement) -> Iterator[str]:
    # In a key's own policy `*` is the key to which the policy is attached.
    if "*" not in row.resources or row.owner.type == KEY:
        return
    for action in row.actions:
        if action not in NO_RESOURCE:
            yield f"{row.where}: {action} on every resource"


def _pass_role(row: Statement) -> Iterator[str]:
    if PASS_ROLE not in row.actions:
        return
    if any("*" in resource for resource in row.resources):
        yield f"{row.where}: {PASS_ROLE} on more than named roles"
    if not row.conditions.get("StringEquals", {}).get(PASSED_TO):
        yield f"{row.where}: {PASS_ROLE} without {PASSED_TO}"


def _form(row: Statement) -> Iterator[str]:
    for member in row.other:
        yield f"{row.where}: {member} allows what nobody listed"
    if "*" in row.principals:
        yield f"{row.where}: open to everybody"
    if not row.actions:
        yield f"{row.where}: no action"
    if not row.trust and not row.resources:
        yield f"{row.where}: no resource"


def _roles(deployed: Deployed) -> Iterator[str]:
    uses = Counter(
        deployed.value(row.stack, row.properties["Role"])
        for row in deployed.assembly.resources("AWS::Lambda::Function")
    )
    for role, count in uses.items():
        if count > 1:
            yield f"{role}: shared by {count} functions"
    for resource in deployed.assembly.resources("AWS::IAM::Role"):
        for policy in resource.properties.get("ManagedPolicyArns", []):
            yield f"{resource.name}: managed policy {policy}"


def allowing(rows: Iterable[Statement]) -> list[Statement]:
    """Return the statements that allow something."""
    return [row for row in rows if row.effect == "Allow"]


def walk(deployed: Deployed) -> list[str]:
    """Return every fault of every policy in an assembly."""
    faults = [
        fault
        for row in allowing(statements(deployed))
        for rule in (_actions, _resources, _pass_role, _form)
        for fault in rule(row)
    ]
    return [*faults, *_roles(deployed)]
