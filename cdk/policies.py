"""IAM policies from plain data: exact actions, and a written reason for every wildcard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.nag import acknowledge, wildcard_rule


@dataclass(frozen=True)
class Allow:
    """One Allow statement.

    Attributes:
        reason: why a resource holds a wildcard; required where one does.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str = ""
    conditions: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Deny:
    """One Deny statement: it holds against every Allow, whoever adds one. Wildcards are welcome."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] | None = None


KEY_READ = ("kms:Decrypt", "kms:DescribeKey")
KEY_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
TRACING = Allow(
    (
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ),
    ("*",),
    reason="X-Ray knows no resource for its data plane",
)


def grant(
    scope: Construct,
    name: str,
    role: iam.Role,
    allows: Sequence[Allow],
    *,
    denies: Sequence[Deny] = (),
) -> iam.Policy:
    """Attach statements to a role as one policy and return it.

    Raises:
        ValueError: an action holds a wildcard, or a resource does without a reason.
    """
    stack = Stack.of(scope)
    policy = iam.Policy(scope, name, roles=[role])
    reasons: dict[str, str] = {}
    for allow in allows:
        if any("*" in action for action in allow.actions):
            raise ValueError(f"wildcard in an action: {', '.join(allow.actions)}")
        for resource in allow.resources:
            if "*" not in str(stack.resolve(resource)):
                continue
            if not allow.reason:
                raise ValueError(f"no reason for the wildcard in {stack.resolve(resource)}")
            rule = wildcard_rule(stack, resource)
            reasons.setdefault(rule, allow.reason)
        policy.add_statements(
            iam.PolicyStatement(
                actions=list(allow.actions),
                resources=list(allow.resources),
                conditions={key: dict(value) for key, value in (allow.conditions or {}).items()},
            )
        )
    for deny in denies:
        policy.add_statements(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(deny.actions),
                resources=list(deny.resources),
                conditions={key: dict(value) for key, value in (deny.conditions or {}).items()},
            )
        )
    for rule, reason in reasons.items():
        acknowledge(policy, rule, reason)
    return policy


def service_role(scope: Construct, name: str, service: str, description: str) -> iam.Role:
    """Return a role for one AWS service in this account only.

    Services that name the calling resource's account are held to it, so that nobody else's
    resource can make the service act for us (confused deputy).
    """
    return iam.Role(
        scope,
        name,
        assumed_by=iam.ServicePrincipal(
            service, conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
        )
        if service not in UNCONDITIONED
        else iam.ServicePrincipal(service),
        description=description,
    )


UNCONDITIONED = frozenset({"lambda.amazonaws.com", "apigateway.amazonaws.com"})
"""Services that assume roles without naming the account."""
