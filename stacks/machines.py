"""From a machine's specification with placeholders to a definition and statements."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws

from cdk.policies import Allow
from configs.contracts.names import Function
from configs.contracts.stages import Image, Stage
from configs.version import version
from step_functions.spec import StateMachineSpec, resolve

JOBS_REASON = "jobs are named by run and attempt; the prefix is this environment's"


def names(
    env: str,
    *,
    functions: Mapping[Function, str],
    key_arn: str,
    roles: Mapping[Stage, str] | None = None,
    images: Mapping[Image, str] | None = None,
) -> dict[str, str]:
    """Return what each placeholder of a specification stands for."""
    return {
        **{f"Function.{name}": arn for name, arn in functions.items()},
        **{f"Role.{stage}": arn for stage, arn in (roles or {}).items()},
        **{f"Image.{image}": uri for image, uri in (images or {}).items()},
        "Key.data": key_arn,
        "Aws.region": Aws.REGION,
        "Aws.account": Aws.ACCOUNT_ID,
        "Aws.partition": Aws.PARTITION,
        "Env.name": env,
        "Env.version": version(),
    }


def resolved(spec: StateMachineSpec, table: Mapping[str, str]) -> dict[str, Any]:
    """Return the definition with every placeholder replaced.

    Raises:
        KeyError: a placeholder has no value.
    """
    definition: dict[str, Any] = resolve(spec.definition, table)
    return definition


def allows(spec: StateMachineSpec, table: Mapping[str, str]) -> list[Allow]:
    """Return the role's statements with every placeholder replaced."""
    return [
        Allow(
            row.actions,
            tuple(resolve(list(row.resources), table)),
            reason=JOBS_REASON,
            conditions=resolve(row.conditions, table) if row.conditions else None,
        )
        for row in spec.statements
    ]
