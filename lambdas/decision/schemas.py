"""JSON schemas of requests and answers: what the OpenAPI file and the conformance tests read."""

from typing import Any

from lambdas.decision.answer import MEANING
from lambdas.decision.decide import Layer, Warned
from lambdas.decision.policy import RequestPolicy
from lambdas.decision.reasons import Source
from lambdas.decision.request import CUSTOMER_ID

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
LAYERS = [layer.value for layer in Layer]


def _object(properties: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": sorted(set(properties) - set(optional)),
    }


def _enum(values: list[str]) -> Schema:
    return {"type": "string", "enum": values}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def request_schema(policy: RequestPolicy) -> Schema:
    """Return the schema of a request body."""
    context = {
        key: {"type": "string", "maxLength": policy["context_value_length"]}
        for key in policy["context_keys"]
    }
    return _object(
        {
            "customer_id": {"type": "string", "pattern": f"^{CUSTOMER_ID.pattern}$"},
            "top_k": {
                "type": "integer",
                "minimum": 1,
                "maximum": policy["top_k_maximum"],
                "default": policy["top_k_default"],
            },
            "language": _enum(policy["languages"]) | {"description": "Both when left out."},
            "context": _object(context, optional=tuple(context)),
        },
        optional=("top_k", "language", "context"),
    )


def _by_language(policy: RequestPolicy, schema: Schema) -> Schema:
    properties = dict.fromkeys(policy["languages"], schema)
    return _object(properties, optional=tuple(properties)) | {"minProperties": 1}


def fact_schema() -> Schema:
    """Return the schema of a fact a reason rests on."""
    texts = _object({"ko": STRING, "en": STRING})
    return _object(
        {
            "id": {"type": "string", "pattern": "^f[0-9]+$"},
            "value": NUMBER,
            "unit": STRING,
            "direction": _enum(["up", "down", "none"]),
            "label": texts,
            "period": texts,
            "direction_word": texts,
            "source": _object(
                {"column": STRING, "task": STRING, "as_of": STRING, "model_version": STRING}
            ),
        }
    )


def recommendation_schema(policy: RequestPolicy) -> Schema:
    """Return the schema of one recommended product."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    return _object(
        {
            "rank": {"type": "integer", "minimum": 1},
            "product": STRING,
            "group": STRING,
            "names": _object({"ko": STRING, "en": STRING}),
            "score": share,
            "layer": _enum(LAYERS),
            "lens_shares": _map_of(share)
            | {"description": "Parts of the lenses behind the product; they sum to 1."},
            "tasks": {
                "type": "array",
                "items": _object({"task": STRING, "value": share, "weight": NUMBER}),
            },
            "reason": _by_language(policy, STRING),
            "reason_source": _by_language(policy, _enum([row.value for row in Source])),
            "facts": {"type": "array", "items": {"$ref": "#/components/schemas/Fact"}},
            "fact_sheet": _nullable({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        }
    )


def answer_schema(policy: RequestPolicy) -> Schema:
    """Return the schema of a 200 answer to `POST /v1/recommendations`."""
    return _object(
        {
            "version": STRING,
            "model_version": STRING,
            "decision_id": STRING,
            "customer_id": STRING,
            "as_of": _nullable({"type": "string", "format": "date"}),
            "layer": _enum(LAYERS)
            | {"description": "`human`: nothing to offer, a person should decide."},
            "task_layers": _map_of(_enum(LAYERS[:3])),
            "score_meaning": _enum([MEANING]),
            "disclosure": _by_language(policy, STRING),
            "recommendations": {
                "type": "array",
                "maxItems": policy["top_k_maximum"],
                "items": {"$ref": "#/components/schemas/Recommendation"},
            },
            "warnings": {"type": "array", "items": _enum([row.value for row in Warned])},
        }
    )


def error_schema() -> Schema:
    """Return the schema of every answer that is not 200."""
    problem = _object({"field": STRING, "problem": STRING})
    return _object(
        {
            "version": STRING,
            "error": _object(
                {
                    "code": STRING,
                    "message": STRING,
                    "problems": {"type": "array", "items": problem},
                }
            ),
        }
    )


def health_schema() -> Schema:
    """Return the schema of the answer to `GET /v1/health`."""
    return _object(
        {
            "status": _enum(["ok", "no_model", "rules_only", "degraded"]),
            "version": STRING,
            "model_version": _nullable(STRING),
            "kill_switch": _enum(["off", "on", "unreadable"]),
        }
    )


def components(policy: RequestPolicy) -> Schema:
    """Return all schemas by the name the API description gives them."""
    return {
        "Request": request_schema(policy),
        "Fact": fact_schema(),
        "Recommendation": recommendation_schema(policy),
        "Answer": answer_schema(policy),
        "Error": error_schema(),
        "Health": health_schema(),
    }
