"""Every policy statement of an assembly, wherever in a template it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import Resource

IDENTITY_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")
KEY = "AWS::KMS::Key"


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


@dataclass(frozen=True)
class Statement:
    """One statement with its references worked out.

    Attributes:
        where: stack, logical id and position.
        trust: whether it says who may assume a role.
        other: members that turn a statement around (`NotAction` and the like).
    """

    where: str
    owner: Resource
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict)
    trust: bool = False
    other: tuple[str, ...] = ()


def _rows(document: dict[str, Any]) -> list[Any]:
    # A web firewall has members of the same name, in which nothing has an effect.
    given = document.get("Statement", [])
    return given if isinstance(given, list) else [given]


def _documents(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _documents(item, f"{path}[{position}]")
    elif isinstance(value, dict):
        if any("Effect" in row for row in _rows(value)):
            yield path, value
        else:
            for key, item in value.items():
                yield from _documents(item, f"{path}.{key}")


def _principals(given: Any) -> tuple[str, ...]:
    if isinstance(given, dict):
        return tuple(name for value in given.values() for name in _listed(value))
    return _listed(given)


def statements(deployed: Deployed) -> list[Statement]:
    """Return every statement of every policy document in every template."""
    found = []
    for resource in deployed.assembly.resources():
        resolved = deployed.value(resource.stack, resource.properties)
        for path, document in _documents(resolved, ""):
            for position, row in enumerate(_rows(document)):
                found.append(
                    Statement(
                        f"{resource.name}{path}#{position}",
                        resource,
                        str(row["Effect"]),
                        _listed(row.get("Action")),
                        _listed(row.get("Resource")),
                        _principals(row.get("Principal")),
                        row.get("Condition", {}),
                        path == ".AssumeRolePolicyDocument",
                        tuple(sorted(set(row) & {"NotAction", "NotResource", "NotPrincipal"})),
                    )
                )
    return found
