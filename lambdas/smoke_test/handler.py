"""Entry point of the smoke test: the published model must answer for a known customer."""

import json
import os
from typing import Any

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.documents import read_package
from lambdas.control.errors import SmokeFailed
from lambdas.control.uris import locate
from lambdas.stores.bounded import answering

REMEDY = "see the log of the recommend function; the earlier model serves again"
EXPECTED = (
    "decision_id",
    "disclosure",
    "model_version",
    "recommendations",
    "task_layers",
    "version",
)
RULES = "rules"
"""The layer of a task that no model scored."""


def _event(method: str, path: str, body: dict[str, Any] | None) -> bytes:
    return json.dumps(
        {
            "httpMethod": method,
            "path": path,
            "resource": path,
            "headers": {"content-type": "application/json", "x-sevenlens-smoke": "1"},
            "multiValueHeaders": {},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {"requestId": "smoke", "resourcePath": path, "httpMethod": method},
            "body": json.dumps(body) if body is not None else None,
            "isBase64Encoded": False,
        }
    ).encode()


def _ask(method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    with answering("function recommend"):
        answer = wiring.client("lambda").invoke(
            FunctionName=os.environ[Grant.INVOKE_RECOMMEND.value],
            Payload=_event(method, path, body),
        )
        text = answer["Payload"].read()
    try:
        payload = json.loads(text)
        if answer.get("FunctionError"):
            raise SmokeFailed(f"recommend failed: {payload.get('errorType')}", remedy=REMEDY)
        status, found = int(payload["statusCode"]), json.loads(payload["body"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SmokeFailed(f"{path} gave no answer: {error!r}", remedy=REMEDY) from error
    if not isinstance(found, dict):
        raise SmokeFailed(f"{path} answered no object", remedy=REMEDY)
    return status, found


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the layer of one answer, which the published model itself must have given.

    The recommendation comes first: it reads the pointer anew, health may know the earlier one.

    Raises:
        SmokeFailed: answer or health is not what the published model must give.
        BadInput: the package cannot be read.
        StoreUnavailable: S3 or the function does not answer.
    """
    version = str(event.get("model_version"))
    package = read_package(wiring.client("s3"), locate(str(event.get("package_uri"))))
    status, answer = _ask("POST", "/v1/recommendations", {"customer_id": package.smoke_customer})
    if status != 200:
        raise SmokeFailed(f"recommendations answered {status}", remedy=REMEDY)
    missing = [name for name in EXPECTED if not answer.get(name)]
    if missing:
        raise SmokeFailed(f"the answer has no {', '.join(missing)}", remedy=REMEDY)
    if answer["model_version"] != version:
        raise SmokeFailed(
            f"model {answer['model_version']} answered, {version} was published", remedy=REMEDY
        )
    layers = answer["task_layers"]
    if not isinstance(layers, dict) or set(layers.values()) <= {RULES}:
        raise SmokeFailed(
            f"the rules answered instead of the model: {answer.get('warnings')}", remedy=REMEDY
        )
    status, _ = _ask("GET", "/v1/health", None)
    if status != 200:
        raise SmokeFailed(f"health answered {status}", remedy=REMEDY)
    return {"layer": answer.get("layer"), "recommendations": len(answer["recommendations"])}
