"""Findings of cdk-nag: the packs, and acknowledgements that name one resource and a reason."""

import re
from dataclasses import dataclass
from typing import Any

from aws_cdk import Acknowledgment, App, Stack, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import IConstruct

RAW_CONTEXT = "sevenlens:raw-findings"
"""Context flag under which acknowledgements are recorded but hide nothing: the test of stale
ones compares them with every finding."""
RECORD = "sevenlens:acknowledged"


@dataclass(frozen=True)
class Acknowledged:
    """One acknowledgement: the construct's path, the rule's id and why."""

    path: str
    rule: str
    reason: str


def check(app: App) -> None:
    """Have every synthesis write the findings of both packs into its validation report."""
    if not app.node.try_get_context(RAW_CONTEXT):
        Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding on one resource."""
    construct.node.add_metadata(RECORD, {"rule": rule, "reason": reason})
    if not construct.node.try_get_context(RAW_CONTEXT):
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledgements(app: App) -> list[Acknowledged]:
    """Return every acknowledgement in the tree."""
    return [
        Acknowledged(node.node.path, str(entry.data["rule"]), str(entry.data["reason"]))
        for node in app.node.find_all()
        for entry in node.node.metadata
        if entry.type == RECORD
    ]


def wildcard_rule(stack: Stack, resource: str) -> str:
    """Return the id of the finding on a statement's resource that holds a wildcard."""
    return f"AwsSolutions-IAM5[Resource::{_flat(stack.resolve(resource))}]"


def _flat(value: Any) -> str:
    """Write a resolved reference the way cdk-nag writes it in finding ids."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]*)\}", r"<\1>", value)
    if "Fn::Join" in value:
        delimiter, items = value["Fn::Join"]
        return str(delimiter).join(_flat(item) for item in items)
    if "Fn::GetAtt" in value:
        resource, attribute = value["Fn::GetAtt"]
        return f"<{_flat(resource)}.{_flat(attribute)}>"
    if "Fn::ImportValue" in value:
        return _flat(value["Fn::ImportValue"])
    if "Ref" in value:
        return f"<{_flat(value['Ref'])}>"
    raise ValueError(f"cannot name {value} in a finding")
