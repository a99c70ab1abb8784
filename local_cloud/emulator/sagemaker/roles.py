"""Credentials of a job role: what the runner may read and write, and nothing else."""

import json
import os
import secrets
import time
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local_cloud.emulator.internals import part

PRINCIPAL = "sagemaker.amazonaws.com"
SESSION = "SageMaker"
LIFETIME_S = 6 * 24 * 3600


def trusts_service(trust: Any) -> bool:
    """Whether a trust policy lets SageMaker assume the role; conditions are not judged."""
    document = json.loads(trust) if isinstance(trust, str) else trust
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        service = (statement.get("Principal") or {}).get("Service", [])
        services = service if isinstance(service, list) else [service]
        if statement.get("Effect") == "Allow" and PRINCIPAL in services:
            return True
    return False


def check_role(arn: str) -> None:
    """Refuse a role that does not exist or that SageMaker may not assume.

    Raises:
        ValueError: as CreateTrainingJob says it.
    """
    role = part("services.iam")._roles.get(arn.rsplit("/", 1)[-1])
    if role is None or not trusts_service(role["AssumeRolePolicyDocument"]):
        raise ValueError(
            f"Could not assume role {arn}. Please ensure that the role exists and allows "
            f"principal '{PRINCIPAL}' to assume the role."
        )


@cache
def _session() -> boto3.Session:
    return boto3.Session()  # one for all: reading the service descriptions costs most


def assume(arn: str, session: str) -> tuple[str, str, str]:
    """Return key, secret and token of a new session of a role."""
    account = arn.split(":")[4]
    name = arn.rsplit("/", 1)[-1]
    key, secret, token = (
        f"ASIA{secrets.token_hex(8).upper()}",
        secrets.token_hex(20),
        secrets.token_hex(32),
    )
    part("services.sts").register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            "UserId": f"{name}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + LIFETIME_S,
        },
    )
    return key, secret, token


def role_client(arn: str, service: str, *, region: str) -> Any:
    """Return a client of this server that acts as the role."""
    key, secret, token = assume(arn, SESSION)
    return _session().client(
        service,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        endpoint_url=f"https://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        config=Config(
            retries={"mode": "standard", "max_attempts": 3}, s3={"addressing_style": "path"}
        ),
    )
