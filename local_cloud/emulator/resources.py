"""CloudFormation types that the emulator lacks and the application deploys.

Real where behaviour matters offline; every other type stands in the settings' list of inert
types, which the deploy command shows.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.settings import LocalCloudSettings

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]


class Refused(ValueError):
    """The service refused to make or change a resource; the stack event carries the reason."""


def lower_camel(value: Any) -> Any:
    """Return CloudFormation's PascalCase members as a REST API's camelCase ones."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_camel(item) for item in value]
    return value


def _answer(response: tuple[int, Any, bytes]) -> dict[str, Any]:
    status, _, body = response
    content: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        raise Refused(str(content.get("message", content)))
    return content


def _guardrail_request(properties: Properties) -> bytes:
    request = lower_camel({k: v for k, v in properties.items() if k != "Tags"})
    request["tags"] = [lower_camel(tag) for tag in properties.get("Tags", [])]
    if "kmsKeyArn" in request:
        request["kmsKeyId"] = request.pop("kmsKeyArn")
    return json.dumps(request).encode()


def _guardrail(arn: str) -> Created:
    identifier = arn.rsplit("/", 1)[-1]
    return arn, {
        "GuardrailArn": arn,
        "GuardrailId": identifier,
        "Version": "DRAFT",
        "Status": "READY",
    }


def _create_guardrail(_logical: str, properties: Properties, _stack: str) -> Created:
    bedrock = part("services.bedrock")
    return _guardrail(
        _answer(bedrock._create_guardrail(_guardrail_request(properties)))["guardrailArn"]
    )


def _update_guardrail(arn: str, _old: Properties, new: Properties, _stack: str) -> Created:
    bedrock = part("services.bedrock")
    _answer(bedrock._update_guardrail(arn, _guardrail_request(new)))
    return _guardrail(arn)


def _delete_guardrail(arn: str, _properties: Properties) -> None:
    part("services.bedrock")._delete_guardrail(arn, {})


def _create_guardrail_version(_logical: str, properties: Properties, _stack: str) -> Created:
    identifier = properties["GuardrailIdentifier"]
    body = json.dumps({"description": properties.get("Description", "")}).encode()
    made = _answer(part("services.bedrock")._create_guardrail_version(identifier, body))
    short, version = made["guardrailId"], made["version"]
    arn = next(
        row["GuardrailArn"]
        for row in part("services.bedrock")._guardrails.values()
        if row["GuardrailId"] == short
    )
    return f"{short}|{version}", {
        "GuardrailId": short,
        "GuardrailArn": arn,
        "Version": version,
    }


def _delete_guardrail_version(physical: str, _properties: Properties) -> None:
    part("services.bedrock")._guardrail_versions.pop(physical.replace("|", "/"), None)


def _inert(type_name: str) -> dict[str, Callable[..., Any]]:
    def create(logical: str, _properties: Properties, stack: str) -> Created:
        mark = hashlib.sha256(f"{stack}/{logical}".encode()).hexdigest()[:12]
        name = f"{stack}-{logical}-{mark}"
        account, region = part("core.responses").get_account_id(), _region()
        service = type_name.split("::")[1].lower()
        return name, {"Arn": f"arn:aws:{service}:{region}:{account}:{name}", "Id": name}

    def update(
        physical: str, _old: Properties, new: Properties, stack: str, *_place: str
    ) -> Created:
        logical = physical.removeprefix(f"{stack}-").rsplit("-", 1)[0]
        return create(logical, new, stack)

    def delete(_physical: str, _properties: Properties) -> None:
        return None

    return {"create": create, "update": update, "delete": delete}


def _region() -> str:
    return str(part("core.responses").get_region())


def _with_inert_property(type_name: str, properties: list[str]) -> None:
    """Let a type that the emulator provisions be recorded only where it uses a property."""
    known = part("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    real, inert = known[type_name], _inert(type_name)

    def choose(action: str, given: Properties) -> Callable[..., Any]:
        chosen: Callable[..., Any] = (inert if set(properties) & set(given) else real)[action]
        return chosen

    def create(logical: str, new: Properties, stack: str) -> Created:
        made: Created = choose("create", new)(logical, new, stack)
        return made

    def update(physical: str, old: Properties, new: Properties, *place: str) -> Created:
        made: Created = choose("update", new)(physical, old, new, *place)
        return made

    def delete(physical: str, old: Properties) -> None:
        choose("delete", old)(physical, old)

    known[type_name] = {**real, "create": create, "update": update, "delete": delete}


def register(type_name: str, handlers: dict[str, Any]) -> None:
    """Add a type. Raises Refused if the emulator has learnt it: then ours must go."""
    known = part("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    if type_name in known:
        raise Refused(f"the emulator provisions {type_name} itself: remove our provisioner")
    known[type_name] = handlers


def install(settings: LocalCloudSettings) -> None:
    """Register guardrails and the inert types."""
    register(
        "AWS::Bedrock::Guardrail",
        {"create": _create_guardrail, "update": _update_guardrail, "delete": _delete_guardrail},
    )
    register(
        "AWS::Bedrock::GuardrailVersion",
        {"create": _create_guardrail_version, "delete": _delete_guardrail_version},
    )
    for type_name in settings.inert_types:
        register(type_name, _inert(type_name))
    for type_name, reasons in settings.inert_properties.items():
        _with_inert_property(type_name, list(reasons))
