"""Retries by type of error: what may pass by itself is tried again, what cannot is not."""

import math
from typing import Any

LAMBDA_FAULTS = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
STORE_FAULTS = ["StoreUnavailable", "ThrottlingException"]
JOB_API_FAULTS = ["SageMaker.AmazonSageMakerException", "SageMaker.ThrottlingException"]
JOB_LIMIT = ["SageMaker.ResourceLimitExceededException"]
BUSY = ["StageBusy"]
BUSY_ATTEMPTS = 200
BUSY_PATIENCE = 2.0
"""How often another execution's job may take its longest time before a waiting one gives up."""
MEAN_OF_JITTER = 0.5
"""Full jitter draws each pause between nothing and its whole length."""


def _retry(errors: list[str], *, first_s: int, attempts: int, longest_s: int) -> dict[str, Any]:
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": first_s,
        "MaxAttempts": attempts,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": longest_s,
        "JitterStrategy": "FULL",
    }


def lambda_retries() -> list[dict[str, Any]]:
    """Service faults and stores that did not answer."""
    return [_retry(LAMBDA_FAULTS + STORE_FAULTS, first_s=2, attempts=5, longest_s=30)]


def plan_retries(longest_job_s: int) -> list[dict[str, Any]]:
    """As for functions; and a stage that another execution is working on is waited for.

    Args:
        longest_job_s: seconds that the other execution's job may take.
    """
    pause = math.ceil(longest_job_s * BUSY_PATIENCE / MEAN_OF_JITTER / BUSY_ATTEMPTS)
    busy = _retry(BUSY, first_s=10, attempts=BUSY_ATTEMPTS, longest_s=max(30, pause))
    return [busy, *lambda_retries()]


def job_retries() -> list[dict[str, Any]]:
    """Faults of the job API only: a job that failed would fail again."""
    return [
        _retry(JOB_LIMIT, first_s=60, attempts=20, longest_s=900),
        _retry(JOB_API_FAULTS, first_s=5, attempts=4, longest_s=60),
    ]
