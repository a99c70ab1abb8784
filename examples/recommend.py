"""Ask the API for recommendations, signed with the credentials of your environment (SigV4).

    python examples/recommend.py --url https://<id>.execute-api.<region>.amazonaws.com/<stage> \
        --customer C000123 --top-k 3
    python examples/recommend.py --url ... --health

Works with an account and with the embedded AWS alike; needs `botocore` only. The certificate
authority of the embedded AWS is taken from AWS_CA_BUNDLE.
"""

import argparse
import json
import os
import sys
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

SERVICE = "execute-api"
TIMEOUT_SECONDS = 35


class CallFailed(Exception):
    """The API could not be asked; the message says what to do."""


def call(
    method: str, url: str, *, region: str, body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send one signed request and return (status, JSON body).

    Raises:
        CallFailed: there are no credentials, or the answer is not JSON.
    """
    credentials = Session().get_credentials()
    if credentials is None:
        raise CallFailed("no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID")
    data = json.dumps(body).encode() if body is not None else None
    request = AWSRequest(
        method=method, url=url, data=data, headers={"Content-Type": "application/json"}
    )
    SigV4Auth(credentials.get_frozen_credentials(), SERVICE, region).add_auth(request)
    session = URLLib3Session(
        verify=os.environ.get("AWS_CA_BUNDLE") or True, timeout=TIMEOUT_SECONDS
    )
    answer = session.send(request.prepare())
    try:
        return answer.status_code, json.loads(answer.content)
    except ValueError as error:
        raise CallFailed(f"status {answer.status_code} and a body that is not JSON") from error


def recommend(
    url: str, customer: str, *, region: str, top_k: int | None = None, language: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Ask for recommendations of one customer and return (status, body)."""
    body: dict[str, Any] = {"customer_id": customer}
    if top_k is not None:
        body["top_k"] = top_k
    if language is not None:
        body["language"] = language
    return call("POST", f"{url.rstrip('/')}/v1/recommendations", region=region, body=body)


def health(url: str, *, region: str) -> tuple[int, dict[str, Any]]:
    """Ask how the service is and return (status, body)."""
    return call("GET", f"{url.rstrip('/')}/v1/health", region=region)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns 0 on status 200, else 1."""
    parser = argparse.ArgumentParser(description="Signed example client of the API.")
    parser.add_argument("--url", required=True, help="address of the API including its stage")
    parser.add_argument("--region", default=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--customer", help="customer id")
    asked.add_argument("--health", action="store_true", help="ask for the service's health")
    parser.add_argument("--top-k", type=int, default=None)
    parser.add_argument("--language", choices=("ko", "en"), default=None)
    given = parser.parse_args(arguments)
    try:
        if given.health:
            status, body = health(given.url, region=given.region)
        else:
            status, body = recommend(
                given.url,
                given.customer,
                region=given.region,
                top_k=given.top_k,
                language=given.language,
            )
    except CallFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(body, ensure_ascii=False, indent=2))
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
