"""What a synthesised role may do, worked out as IAM does it, and which key encrypts what."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from configs.contracts.names import Function
from configs.contracts.storage import Bucket
from configs.contracts.tables import Table
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.iam_walk import allowing
from tests.infrastructure.policies import Statement, statements
from tests.infrastructure.synthesis import Resource

KEY_PLACES: Mapping[str, tuple[str, ...]] = {
    "AWS::Bedrock::Guardrail": ("KmsKeyArn",),
    "AWS::DynamoDB::GlobalTable": ("Replicas", "0", "SSESpecification", "KMSMasterKeyId"),
    "AWS::ECR::Repository": ("EncryptionConfiguration", "KmsKey"),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        "0",
        "ServerSideEncryptionByDefault",
        "KMSMasterKeyID",
    ),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
}
"""Where a resource type names the customer key that encrypts it."""


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Tell whether an IAM pattern with `*` and `?` covers a text."""
    return bool(_pattern(pattern).fullmatch(text))


def _held(operator: str, wanted: Any, given: str | None) -> bool:
    values = [str(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    if given is None:
        return False
    if operator in ("StringEquals", "ArnEquals"):
        return given in values
    if operator in ("StringLike", "ArnLike"):
        return any(matches(value, given) for value in values)
    if operator == "Bool":
        return given.lower() in [value.lower() for value in values]
    raise ValueError(f"condition operator {operator} is not imitated here")


def applies(row: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether a statement is about an action on a resource in a context."""
    return (
        any(matches(pattern, action) for pattern in row.actions)
        and any(matches(pattern, resource) for pattern in row.resources)
        and all(
            _held(operator, wanted, context.get(key))
            for operator, members in row.conditions.items()
            for key, wanted in members.items()
        )
    )


class Permissions:
    """The roles of one environment."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed

    @cached_property
    def statements(self) -> list[Statement]:
        return allowing(statements(self.deployed))

    @cached_property
    def roles(self) -> dict[str, list[Statement]]:
        """Role ARN -> the Allow statements attached to it."""
        found: dict[str, list[Statement]] = defaultdict(list)
        for row in self.statements:
            if row.owner.type == "AWS::IAM::Policy":
                for role in row.owner.properties["Roles"]:
                    found[self._role(row.owner.stack, role["Ref"])].append(row)
        return dict(found)

    def _role(self, stack: str, logical_id: str) -> str:
        body = self.deployed.assembly.templates[stack]["Resources"][logical_id]
        return self.deployed.arn(Resource(stack, logical_id, body))

    @cached_property
    def denials(self) -> dict[str, list[Statement]]:
        """Role ARN -> the Deny statements attached to it."""
        found: dict[str, list[Statement]] = defaultdict(list)
        for row in statements(self.deployed):
            if row.effect == "Deny" and row.owner.type == "AWS::IAM::Policy":
                for role in row.owner.properties["Roles"]:
                    found[self._role(row.owner.stack, role["Ref"])].append(row)
        return dict(found)

    def denies(self, role: str, action: str, resource: str, **context: str) -> bool:
        """Tell whether a role is forbidden something outright, whatever it is allowed."""
        given = {key.replace("__", ":"): value for key, value in context.items()}
        return any(applies(row, action, resource, given) for row in self.denials.get(role, ()))

    def permits(self, role: str, action: str, resource: str, **context: str) -> bool:
        """Tell whether a role may do something; context keys are written `s3__prefix`."""
        given = {key.replace("__", ":"): value for key, value in context.items()}
        allowed = any(applies(row, action, resource, given) for row in self.roles[role])
        return allowed and not self.denies(role, action, resource, **context)

    def function(self, function: Function) -> tuple[Resource, dict[str, Any]]:
        """Return a Lambda function by its handler, with its properties worked out."""
        (found,) = [
            row
            for row in self.deployed.assembly.resources("AWS::Lambda::Function")
            if row.properties["Handler"] == f"lambdas.{function}.handler.handler"
        ]
        return found, self.deployed.value(found.stack, found.properties)

    def key_of(self, resource: Resource) -> str | None:
        """Return the ARN of the customer key that encrypts a resource, None where none does."""
        value: Any = self.deployed.value(resource.stack, resource.properties)
        for step in KEY_PLACES[resource.type]:
            if isinstance(value, list):
                value = value[int(step)]
            elif step in value:
                value = value[step]
            else:
                return None
        text = str(value)
        for key in self.deployed.assembly.resources("AWS::KMS::Key"):
            if text in (self.deployed.arn(key), self.deployed.name(key)):
                return self.deployed.arn(key)
        return None

    @cached_property
    def tables(self) -> dict[Table, Resource]:
        """Logical table -> resource, by the name that is published for operators."""
        return {
            table: self._published("AWS::DynamoDB::GlobalTable", f"tables/{table.value.name}")
            for table in Table
        }

    @cached_property
    def buckets(self) -> dict[Bucket, Resource]:
        """Logical bucket -> resource."""
        return {
            Bucket.LAKE: self._published("AWS::S3::Bucket", "lake/bucket"),
            Bucket.AUDIT: self._published("AWS::S3::Bucket", "audit/bucket"),
        }

    def _published(self, kind: str, parameter: str) -> Resource:
        path = f"/sevenlens/{self.deployed.assembly.env}/{parameter}"
        (value,) = [
            self.deployed.value(row.stack, row.properties["Value"])
            for row in self.deployed.assembly.resources("AWS::SSM::Parameter")
            if row.properties["Name"] == path
        ]
        (found,) = [
            row
            for row in self.deployed.assembly.resources(kind)
            if self.deployed.name(row) == value
        ]
        return found
