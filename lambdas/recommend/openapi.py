"""The API description, made from the code that answers; the handler does not import it.

`make openapi` rewrites `docs/openapi.json` in a checkout.
"""

import json
import sys
from pathlib import Path
from typing import Any

from configs.version import version
from lambdas.decision.policy import RequestPolicy
from lambdas.decision.schemas import components

TARGET = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
ERRORS = {
    "400": "The body is empty, not JSON, or not an object.",
    "403": "The signature is missing or wrong, or the customer has opted out and is refused.",
    "404": "There is no record of this customer (`unknown_customer`), or no such route.",
    "413": "The body is too large.",
    "422": "A field is unknown, missing, or of a wrong type or value; all problems are listed.",
    "500": "An error that nothing foresaw.",
    "503": "No model is published, or its state, package or decision log cannot be reached.",
}


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def document(policy: RequestPolicy) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    request = {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}}
    refusals = {status: _answer(text, "Error") for status, text in ERRORS.items()}
    scheme = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SevenLens",
            "version": version(),
            "description": "Ranked products with reasons, for the institution's own back ends.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"sigv4": []}],
        "paths": {
            "/v1/recommendations": {
                "post": {
                    "operationId": "recommend",
                    "summary": "Rank products for one customer and say why",
                    "requestBody": {"required": True, "content": request},
                    "responses": {"200": _answer("The answer.", "Answer"), **refusals},
                }
            },
            "/v1/health": {
                "get": {
                    "operationId": "health",
                    "summary": "Tell whether the service could answer by its model",
                    "responses": {
                        "200": _answer("What is and what is not.", "Health"),
                        "403": refusals["403"],
                        "500": refusals["500"],
                    },
                }
            },
        },
        "components": {"schemas": components(policy), "securitySchemes": {"sigv4": scheme}},
    }


def text(policy: RequestPolicy) -> str:
    """Return the document as it stands in `docs/openapi.json`."""
    return json.dumps(document(policy), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from configs.settings.serving import bundle_files

    rendered = json.loads(bundle_files()["configs/bundled/decision.json"])
    TARGET.write_text(text(rendered["request"]))
    sys.stdout.write(f"{TARGET}\n")
