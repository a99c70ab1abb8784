"""Entry point of the smoke test: the published model must answer for a known customer."""

import json
import os
from typing import Any

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.documents import read_json
from lambdas.control.errors import SmokeFailed
from lambdas.control.uris import locate
from lambdas.stores.bounded import answering

REMEDY = "see the log of the recommend function; the earlier model serves again"
EXPECTED = ("decision_id", "disclosure", "model_version", "recommendations", "version")


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
        payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise SmokeFailed(f"recommend failed: {payload.get('errorType')}", remedy=REMEDY)
    return int(payload["statusCode"]), json.loads(payload["body"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return status and layers of one answer.

    Raises:
        SmokeFailed: health or answer is not what the published model must give.
    """
    version = str(event["model_version"])
    package = read_json(wiring.client("s3"), locate(event["package_uri"]) / "package.json")
    status, health = _ask("GET", "/v1/health", None)
    if status != 200:
        raise SmokeFailed(f"health answered {status}: {health.get('status')}", remedy=REMEDY)
    status, answer = _ask("POST", "/v1/recommendations", {"customer_id": package["smoke_customer"]})
    if status != 200:
        raise SmokeFailed(f"recommendations answered {status}", remedy=REMEDY)
    missing = [name for name in EXPECTED if not answer.get(name)]
    if missing:
        raise SmokeFailed(f"the answer has no {', '.join(missing)}", remedy=REMEDY)
    if answer["model_version"] != version:
        raise SmokeFailed(
            f"model {answer['model_version']} answered, {version} was published", remedy=REMEDY
        )
    return {"status": status, "recommendations": len(answer["recommendations"])}
