"""Least privilege, read statement by statement, and the reader itself put to the test."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.infrastructure.deployed import Deployed
from tests.infrastructure.iam_walk import NO_RESOURCE, PASS_ROLE, allowing, walk
from tests.infrastructure.policies import KEY, statements
from tests.infrastructure.synthesis import Assembly

Template = dict[str, Any]


def test_no_policy_allows_what_it_must_not(deployed: Deployed) -> None:
    assert walk(deployed) == []


def test_the_walk_reads_every_policy_of_every_role(deployed: Deployed) -> None:
    rows = statements(deployed)
    owners = {row.owner.name for row in rows}
    policies = deployed.assembly.resources("AWS::IAM::Policy", "AWS::IAM::Role", KEY)
    assert {row.name for row in policies} <= owners
    attached = {
        role["Ref"]
        for row in deployed.assembly.resources("AWS::IAM::Policy")
        for role in row.properties["Roles"]
    }
    roles = {row.logical_id for row in deployed.assembly.resources("AWS::IAM::Role")}
    assert attached == roles, "a role without a policy of its own was walked by nobody"


def test_the_list_of_actions_without_resources_holds_no_more_than_is_used(
    assemblies: Mapping[str, Assembly],
) -> None:
    used = {
        action
        for assembly in assemblies.values()
        for row in allowing(statements(Deployed(assembly)))
        if "*" in row.resources and row.owner.type != KEY
        for action in row.actions
    }
    assert used == set(NO_RESOURCE)


def test_roles_are_passed_to_sagemaker_only(deployed: Deployed) -> None:
    passing = [row for row in allowing(statements(deployed)) if PASS_ROLE in row.actions]
    assert passing
    for row in passing:
        services = row.conditions["StringEquals"]["iam:PassedToService"]
        assert services == "sagemaker.amazonaws.com", row.where


def test_every_role_is_for_services_and_those_that_can_name_the_account_must(
    deployed: Deployed,
) -> None:
    trusts = [row for row in statements(deployed) if row.trust]
    assert trusts
    for row in trusts:
        assert row.actions == ("sts:AssumeRole",), row.where
        (service,) = row.principals
        assert service.endswith(".amazonaws.com"), row.where
        if service not in ("lambda.amazonaws.com", "apigateway.amazonaws.com"):
            assert row.conditions["StringEquals"]["aws:SourceAccount"], row.where


def test_functions_are_invoked_by_named_sources_of_this_account_only(deployed: Deployed) -> None:
    permissions = list(deployed.assembly.resources("AWS::Lambda::Permission"))
    assert permissions
    for row in permissions:
        given = deployed.value(row.stack, row.properties)
        assert given["Action"] == "lambda:InvokeFunction", row.name
        source = given["SourceArn"].split(":")
        assert source[4] == "111122223333", row.name
        assert source[5].strip("*/"), row.name


def _policy(template: Template) -> dict[str, Any]:
    """Return the first statement of the recommend function's policy."""
    (policy,) = [
        row
        for name, row in template["Resources"].items()
        if row["Type"] == "AWS::IAM::Policy" and name.startswith("RecommendPolicy")
    ]
    statement: dict[str, Any] = policy["Properties"]["PolicyDocument"]["Statement"][0]
    return statement


def _wide_action(template: Template) -> None:
    _policy(template)["Action"] = ["dynamodb:Get*"]


def _every_action(template: Template) -> None:
    _policy(template)["Action"] = "*"


def _every_resource(template: Template) -> None:
    _policy(template)["Resource"] = ["*"]


def _turned_around(template: Template) -> None:
    statement = _policy(template)
    statement["NotAction"] = [statement.pop("Action")]


def _open_bucket(template: Template) -> None:
    template["Resources"]["Planted"] = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": "b",
            "PolicyDocument": {
                "Statement": {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::b/*",
                }
            },
        },
    }


def _inline(template: Template) -> None:
    role = next(row for row in template["Resources"].values() if row["Type"] == "AWS::IAM::Role")
    row = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b"}
    role["Properties"]["Policies"] = [{"PolicyName": "p", "PolicyDocument": {"Statement": [row]}}]


def _managed(template: Template) -> None:
    role = next(row for row in template["Resources"].values() if row["Type"] == "AWS::IAM::Role")
    role["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]


def _second_function(template: Template) -> None:
    function = next(
        row for row in template["Resources"].values() if row["Type"] == "AWS::Lambda::Function"
    )
    template["Resources"]["Planted"] = copy.deepcopy(function)


def _bare_pass_role(template: Template) -> None:
    statement = _policy(template)
    statement |= {"Action": PASS_ROLE, "Resource": "arn:aws:iam::111122223333:role/any"}


def _wide_pass_role(template: Template) -> None:
    statement = _policy(template)
    statement |= {
        "Action": [PASS_ROLE],
        "Resource": "arn:aws:iam::111122223333:role/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }


def _negated_pass_role(template: Template) -> None:
    statement = _policy(template)
    statement |= {
        "Action": [PASS_ROLE],
        "Resource": "arn:aws:iam::111122223333:role/any",
        "Condition": {"StringNotEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (_wide_action, "wildcard in the action dynamodb:Get*"),
        (_every_action, "wildcard in the action *"),
        (_every_resource, "on every resource"),
        (_turned_around, "NotAction allows what nobody listed"),
        (_open_bucket, "open to everybody"),
        (_inline, "wildcard in the action s3:*"),
        (_managed, "managed policy arn:aws:iam::aws:policy/ReadOnlyAccess"),
        (_second_function, "shared by 2 functions"),
        (_bare_pass_role, "iam:PassRole without iam:PassedToService"),
        (_wide_pass_role, "iam:PassRole on more than named roles"),
        (_negated_pass_role, "iam:PassRole without iam:PassedToService"),
    ],
)
def test_the_walk_finds_a_planted_fault(
    assemblies: Mapping[str, Assembly], plant: Callable[[Template], None], fault: str
) -> None:
    local = assemblies["local"]
    planted = replace(local, templates=copy.deepcopy(local.templates))
    plant(planted.templates["Serving"])
    assert any(fault in found for found in walk(Deployed(planted)))
