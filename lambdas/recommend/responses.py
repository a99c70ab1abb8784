"""HTTP answers: one form for everything that is not a recommendation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from lambdas.decision.request import Problem


def as_response(status: int, body: Mapping[str, Any]) -> Response[str]:
    """Return a JSON answer that no cache keeps."""
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        headers={"Cache-Control": "no-store"},
    )


def error_body(
    code: str, message: str, *, version: str, problems: Sequence[Problem] = ()
) -> dict[str, Any]:
    """Return the body of every answer that is not 200."""
    return {
        "version": version,
        "error": {
            "code": code,
            "message": message,
            "problems": [{"field": row.field, "problem": row.problem} for row in problems],
        },
    }
