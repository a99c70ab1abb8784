"""SSM parameters: how operators and later stacks find things."""

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from configs.contracts.names import Parameter


def publish(scope: Construct, env: str, name: Parameter, value: str, leaf: str = "") -> None:
    """Publish a value below `/sevenlens/<env>/`."""
    path = name.path(env, leaf)
    ssm.CfnParameter(
        scope,
        "Parameter" + _identifier(path, env),
        type="String",
        name=path,
        value=value,
        description=f"Published by the stack {Stack.of(scope).stack_name}",
    )


def published(scope: Construct, env: str, name: Parameter, leaf: str = "") -> str:
    """Return a value that an earlier stack or a build published, read at every deployment."""
    stack = Stack.of(scope)
    path = name.path(env, leaf)
    identifier = "Published" + _identifier(path, env)
    found = stack.node.try_find_child(identifier)
    if not isinstance(found, CfnParameter):
        found = CfnParameter(
            stack, identifier, type="AWS::SSM::Parameter::Value<String>", default=path
        )
    return found.value_as_string


def _identifier(path: str, env: str) -> str:
    words = path.split(f"/{env}/", 1)[1].replace("/", "_").split("_")
    return "".join(word.capitalize() for word in words)
