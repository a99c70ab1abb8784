"""No job reads the ground truth of a synthetic bank: not allowed, and denied if it ever were."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from configs.contracts.stages import STAGES
from configs.contracts.storage import Bucket, Prefix
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.permissions import Permissions
from tests.infrastructure.policies import statements
from tests.infrastructure.synthesis import Assembly

Template = dict[str, Any]
ON_OBJECTS = (
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersion",
    "s3:RestoreObject",
    "s3:PutObject",
    "s3:DeleteObject",
)
ON_BUCKET = ("s3:ListBucket", "s3:ListBucketVersions")
KEYS = ("causes/part-00000.parquet", "0123abcd/latent/part-00007.parquet")
SAGEMAKER = "sagemaker.amazonaws.com"


def job_roles(deployed: Deployed) -> list[str]:
    """Return the ARNs of all roles that a SageMaker job can assume."""
    return [
        deployed.arn(row.owner)
        for row in statements(deployed)
        if row.trust and SAGEMAKER in row.principals
    ]


def truth_faults(deployed: Deployed) -> list[str]:
    """Return how each job's role might come to the ground truth."""
    permissions = Permissions(deployed)
    lake = deployed.arn(permissions.buckets[Bucket.LAKE])
    faults = []
    for role in job_roles(deployed):
        asked: list[tuple[str, str, dict[str, str]]] = [
            (action, f"{lake}/{Prefix.TRUTH}{key}", {}) for action in ON_OBJECTS for key in KEYS
        ]
        asked += [
            (action, lake, {"s3__prefix": prefix})
            for action in ON_BUCKET
            for prefix in (Prefix.TRUTH, Prefix.TRUTH[:-1], f"{Prefix.TRUTH}0123abcd/")
        ]
        for action, resource, context in asked:
            if permissions.permits(role, action, resource, **context):
                faults.append(f"{role} may {action} {resource}")
            if not permissions.denies(role, action, resource, **context):
                faults.append(f"{role} is not denied {action} {resource}")
    return faults


def test_every_job_is_denied_the_ground_truth(deployed: Deployed) -> None:
    assert len(job_roles(deployed)) == len(STAGES)
    assert truth_faults(deployed) == []


def _policy(template: Template, word: str) -> dict[str, Any]:
    (found,) = [
        body["Properties"]
        for name, body in template["Resources"].items()
        if body["Type"] == "AWS::IAM::Policy" and name.startswith(f"Job{word}Policy")
    ]
    return dict(found)


def _wide(template: Template) -> dict[str, Any]:
    """Plant an Allow on the whole lake and return the policy."""
    properties = _policy(template, "Phase0")
    rows = properties["PolicyDocument"]["Statement"]
    read = next(row for row in rows if row["Effect"] == "Allow" and row["Action"] == "s3:GetObject")
    rows.append({**read, "Resource": "*"})
    return properties


def _allowed_and_not_denied(template: Template) -> None:
    document = _wide(template)["PolicyDocument"]
    document["Statement"] = [row for row in document["Statement"] if row["Effect"] == "Allow"]


def _not_denied(template: Template) -> None:
    document = _policy(template, "Teacher")["PolicyDocument"]
    document["Statement"] = [row for row in document["Statement"] if row["Effect"] == "Allow"]


def _denied_elsewhere(template: Template) -> None:
    rows = _policy(template, "Evaluate")["PolicyDocument"]["Statement"]
    (deny,) = [row for row in rows if row["Effect"] == "Deny" and row["Action"] == "s3:*"]
    deny["Resource"] = {"Fn::Join": ["", ["arn:aws:s3:::another-bucket/", Prefix.TRUTH, "*"]]}


def _denied_reading_only(template: Template) -> None:
    rows = _policy(template, "Package")["PolicyDocument"]["Statement"]
    (deny,) = [row for row in rows if row["Effect"] == "Deny" and row["Action"] == "s3:*"]
    deny["Action"] = "s3:GetObject"


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (_allowed_and_not_denied, "may s3:GetObject"),
        (_not_denied, "is not denied s3:ListBucket"),
        (_denied_elsewhere, "is not denied s3:GetObject"),
        (_denied_reading_only, "is not denied s3:GetObjectVersion"),
    ],
)
def test_a_planted_way_to_the_ground_truth_is_found(
    assemblies: Mapping[str, Assembly], plant: Callable[[Template], None], fault: str
) -> None:
    local = assemblies["local"]
    planted = replace(local, templates=copy.deepcopy(local.templates))
    plant(planted.templates["Training"])
    assert any(fault in found for found in truth_faults(Deployed(planted)))


def test_the_denial_holds_against_an_allow_on_everything(
    assemblies: Mapping[str, Assembly],
) -> None:
    local = assemblies["local"]
    planted = replace(local, templates=copy.deepcopy(local.templates))
    _wide(planted.templates["Training"])
    deployed = Deployed(planted)
    assert truth_faults(deployed) == []
    permissions = Permissions(deployed)
    lake = deployed.arn(permissions.buckets[Bucket.LAKE])
    (role,) = [
        role
        for role in job_roles(deployed)
        if permissions.permits(role, "s3:GetObject", f"{lake}/{Prefix.SERVING}x")
    ]
    assert not permissions.permits(role, "s3:GetObject", f"{lake}/{Prefix.TRUTH}x")
