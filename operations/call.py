"""Calling the application's REST API as the institution's back end would: signed by SigV4."""

import json
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from configs.contracts.names import Parameter
from operations.access import Access, OperationError

TIMEOUT_S = 60


def api_url(access: Access) -> str:
    """Return the API's base URL, without a trailing slash.

    The embedded AWS serves execute-api hosts below a path of its own, for names below
    `localhost` do not resolve everywhere.
    """
    endpoint = access.client("apigateway").meta.endpoint_url
    if access.env == "local":
        api = access.parameter(Parameter.API_ID)
        stage = access.parameter(Parameter.API_STAGE)
        return f"{endpoint}/_aws/execute-api/{api}/{stage}"
    return access.parameter(Parameter.API_URL).rstrip("/")


def call(
    access: Access, path: str, *, method: str = "GET", body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send one signed request; returns the HTTP status and the parsed JSON answer.

    Raises:
        OperationError: the answer is not JSON.
    """
    url = api_url(access) + path
    data = json.dumps(body) if body is not None else None
    request = AWSRequest(
        method=method, url=url, data=data, headers={"content-type": "application/json"}
    )
    credentials = access.session.get_credentials()
    if credentials is None:
        raise OperationError("there are no AWS credentials", remedy="sign in, then repeat")
    SigV4Auth(credentials, "execute-api", access.session.region_name).add_auth(request)
    answer = requests.request(
        method, url, data=data, headers=dict(request.headers.items()), timeout=TIMEOUT_S
    )
    try:
        return answer.status_code, answer.json()
    except ValueError as error:
        raise OperationError(
            f"{method} {path} answered {answer.status_code} without JSON: {answer.text[:200]!r}",
            remedy="see the function's log group",
        ) from error
