"""What a state-machine module gives: the definition, and the statements its role needs.

Names that only a deployment knows are placeholders `${Kind.name}`; the CDK code replaces them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs.contracts.stages import Stage

PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")


def function_arn(name: str) -> str:
    """Placeholder of a Lambda function's ARN."""
    return f"${{Function.{name}}}"


def role_arn(stage: str) -> str:
    """Placeholder of a stage's job role ARN."""
    return f"${{Role.{stage}}}"


def image_uri(image: str) -> str:
    """Placeholder of an image URI with its digest."""
    return f"${{Image.{image}}}"


KEY_ARN = "${Key.data}"
"""Placeholder of the data key's ARN."""
ACCOUNT_SCOPE = "${Aws.region}:${Aws.account}"
PARTITION = "${Aws.partition}"
ENVIRONMENT = "${Env.name}"
VERSION = "${Env.version}"


@dataclass(frozen=True)
class Statement:
    """One Allow statement as plain data."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class JobResources:
    """What a stage's job runs on.

    Attributes:
        volume_gib: storage volume in GiB.
        max_run_s: time limit in seconds; SageMaker stops the job then.
        spot: managed spot (training jobs only).
        volume_key: whether the instance type accepts a volume key; those with local NVMe do not.
        usd_per_hour: price of one instance, from the price table.
    """

    instance_type: str
    instance_count: int
    volume_gib: int
    max_run_s: int
    spot: bool
    volume_key: bool
    usd_per_hour: float

    @property
    def max_wait_s(self) -> int:
        """Longest time in seconds from request to end of a spot job."""
        return self.max_run_s + 3600

    @property
    def longest_s(self) -> int:
        """Longest time in seconds from request to end of a job, spot or not."""
        return self.max_wait_s if self.spot else self.max_run_s

    @property
    def price(self) -> dict[str, float]:
        """What the stage controller books a job by; spot savings are not counted on."""
        return {
            "usd_per_hour": self.usd_per_hour * self.instance_count,
            "max_run_s": self.max_run_s,
        }


@dataclass(frozen=True)
class PipelineParameters:
    """Everything configurable in the training pipeline's definition.

    Attributes:
        jobs: resources by stage.
        approval_timeout_s: how long a person has.
        run_limit_usd: worst case that one run may have.
        month_limit_usd: worst case plus this month's ledger.
        publish_concurrency: record parts written at once.
    """

    jobs: Mapping[Stage, JobResources]
    approval_timeout_s: int
    run_limit_usd: float
    month_limit_usd: float
    publish_concurrency: int


@dataclass(frozen=True)
class StateMachineSpec:
    """A definition with placeholders, and the Allow statements of its role."""

    definition: Mapping[str, Any]
    statements: tuple[Statement, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """Names that must be substituted, e.g. `Function.gate`."""
        found: set[str] = set()
        _collect(self.definition, found)
        _collect([list(row.resources) for row in self.statements], found)
        _collect([row.conditions for row in self.statements], found)
        return frozenset(found)


def resolve(value: Any, names: Mapping[str, Any]) -> Any:
    """Return `value` with every placeholder replaced.

    Raises:
        KeyError: a placeholder has no value.
    """
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: str(names[match[1]]), value)
    if isinstance(value, Mapping):
        return {resolve(key, names): resolve(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, names) for item in value]
    return value


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        found.update(PLACEHOLDER.findall(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _collect(key, found)
            _collect(item, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, found)
