"""What `cdk bootstrap` leaves in an account, so that the CDK command line works here unchanged.

Source: AWS CDK developer guide, bootstrap template contract version 21.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

QUALIFIER = "hnb659fds"
VERSION = "30"
ROLES = ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""The roles of this account-of-one may do everything; those of an account are bootstrap's own."""

Client = Callable[[str], Any]


def _trust(account: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "AWS": f"arn:aws:iam::{account}:root",
                    "Service": "cloudformation.amazonaws.com",
                },
                "Action": "sts:AssumeRole",
            }
        ],
    }


def parameter_name(qualifier: str) -> str:
    """Return the SSM parameter that holds the bootstrap version."""
    return f"/cdk-bootstrap/{qualifier}/version"


def bootstrap(client: Client, *, account: str, region: str, qualifier: str = QUALIFIER) -> bool:
    """Make bucket, roles and version parameter; False if they were there."""
    parameters = client("ssm")
    try:
        parameters.get_parameter(Name=parameter_name(qualifier))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
    else:
        return False
    place = f"{account}-{region}"
    bucket = f"cdk-{qualifier}-assets-{place}"
    client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
    )
    client("ecr").create_repository(repositoryName=f"cdk-{qualifier}-container-assets-{place}")
    roles = client("iam")
    for role in ROLES:
        name = f"cdk-{qualifier}-{role}-role-{place}"
        roles.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_trust(account)))
        roles.put_role_policy(
            RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(ALL)
        )
    parameters.put_parameter(Name=parameter_name(qualifier), Value=VERSION, Type="String")
    return True
