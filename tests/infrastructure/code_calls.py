"""The AWS calls that a function's code can make, as IAM actions, on which tables."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import botocore.session
from botocore import xform_name

from configs.contracts.names import Function
from configs.contracts.tables import Table
from tests.infrastructure.code_index import ROOM, Index, Unit
from tests.infrastructure.code_walk import Walk

CLIENT = f"{ROOM}.stores.bounded.bounded_client"
CLIENT_MAKERS = (CLIENT, f"{ROOM}.control.wiring.client")
PAGED = ("get_paginator", "get_waiter")
PREFIXES: Mapping[str, str] = {"bedrock-runtime": "bedrock", "stepfunctions": "states"}
"""Services whose actions stand under another name than their client's."""
ACTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("bedrock-runtime", "Converse"): ("bedrock:InvokeModel",),
    ("lambda", "Invoke"): ("lambda:InvokeFunction",),
    ("s3", "CopyObject"): ("s3:GetObject", "s3:PutObject"),
    ("s3", "HeadObject"): ("s3:GetObject",),
    ("s3", "ListObjectsV2"): ("s3:ListBucket",),
    ("sagemaker", "CreateModelPackage"): ("sagemaker:CreateModelPackage", "sagemaker:AddTags"),
    ("sqs", "SendMessageBatch"): ("sqs:SendMessage",),
}
"""Calls that need another action than the one of their own name (Service Authorization
Reference); every other call needs `<prefix>:<call>`."""


TRANSACTION = "TransactWriteItems"
PARTS: Mapping[str, str] = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
"""Member of a transaction -> its action: a transaction has none of its own."""


class Unclear(AssertionError):
    """A call whose service or table cannot be told from the source."""


@dataclass(frozen=True, order=True)
class Need:
    """One action that the code needs; `table` is the logical table of a DynamoDB action."""

    action: str
    table: str = ""


@cache
def operations(service: str) -> dict[str, str]:
    """Return method name -> operation of a client."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


@cache
def index() -> Index:
    """Return the room as it stands."""
    return Index()


def _services(walk: Walk) -> set[str]:
    found = set()
    for unit in walk.units:
        for node in unit.walk():
            if not isinstance(node, ast.Call):
                continue
            if walk.index.resolve(unit.module, node.func) not in CLIENT_MAKERS:
                continue
            match node.args[0]:
                case ast.Constant(value=str(service)):
                    found.add(service)
                case ast.Name(id="service") if f"{unit.module}.{unit.name}" in CLIENT_MAKERS:
                    pass
                case _:
                    raise Unclear(f"{unit.module}:{node.lineno}: a client of what?")
    return found


def _methods(walk: Walk) -> Iterator[tuple[Unit, ast.Call, str]]:
    """Yield calls on something that is not ours, by keywords only, as AWS clients are called."""
    for unit in walk.units:
        for node in unit.walk():
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            if name in PAGED:
                (page,) = node.args
                assert isinstance(page, ast.Constant), f"{unit.module}:{node.lineno}"
                yield unit, node, str(page.value)
            elif not node.args and not list(walk.targets(unit, node.func)):
                yield unit, node, name


def _tokens(nodes: Iterator[ast.AST]) -> set[str]:
    """Return the tables that code names."""
    return {
        Table[node.attr].value.name
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == Table.__name__
        and node.attr in Table.__members__
    }


def _tables(walk: Walk, unit: Unit, node: ast.Call) -> set[str]:
    """Return the tables that a call may work on.

    Those named in the function itself; else in the arguments with which its class is made; else
    in the arguments with which it is called; else anywhere in its callers.
    """
    makers = walk.makers.get(unit.owner or "", [])
    callers = walk.calls.get(unit, [])
    for found in (
        _tokens(unit.walk()),
        {name for _, call in makers for name in _tokens(ast.walk(call))},
        {name for _, call in callers for name in _tokens(ast.walk(call))},
        {name for caller, _ in callers for name in _tokens(caller.walk())},
    ):
        if found:
            return found
    raise Unclear(f"{unit.module}:{node.lineno}: on which table?")


def _actions(unit: Unit, service: str, operation: str) -> tuple[str, ...]:
    if operation == TRANSACTION:
        words = {node.value for node in unit.walk() if isinstance(node, ast.Constant)}
        parts = tuple(f"{service}:{action}" for part, action in PARTS.items() if part in words)
        if not parts:
            raise Unclear(f"{unit.module}: a transaction of what?")
        return parts
    own = f"{PREFIXES.get(service, service)}:{operation}"
    return ACTIONS.get((service, operation), (own,))


@cache
def needs(function: Function, source: Index | None = None) -> frozenset[Need]:
    """Return everything that a function's code needs.

    Raises:
        Unclear: a call's service or table cannot be told.
    """
    walk = Walk(source or index(), f"{ROOM}.{function}.handler")
    services = _services(walk)
    found = set()
    for unit, node, method in _methods(walk):
        hits = [name for name in sorted(services) if method in operations(name)]
        if not hits:
            continue
        if len(hits) > 1:
            raise Unclear(f"{unit.module}:{node.lineno}: {method} of {' or '.join(hits)}?")
        service, operation = hits[0], operations(hits[0])[method]
        actions = _actions(unit, service, operation)
        tables = _tables(walk, unit, node) if service == "dynamodb" else {""}
        found |= {Need(action, table) for action in actions for table in tables}
    return frozenset(found)
