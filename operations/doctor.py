"""Whether an environment is ready for a run: each finding is measured, or said to be unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from configs.contracts.names import Parameter
from configs.contracts.stages import STAGES, Image, JobKind
from configs.errors import SevenLensError
from configs.settings.environment import EnvironmentSettings
from operations.access import Access

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"


class Verdict(StrEnum):
    """What a finding says. Unknown is never ready: what cannot be read is not assumed."""

    READY = "ready"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One checked condition: what, the verdict, what was read, and what to do about it."""

    what: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def _probe(what: str, remedy: str, read: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        ready, detail = read()
    except SevenLensError as error:
        return Finding(what, Verdict.MISSING, error.problem, error.remedy)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        missing = code in {"ParameterNotFound", "ResourceNotFoundException", "NoSuchBucket"}
        verdict = Verdict.MISSING if missing else Verdict.UNKNOWN
        return Finding(what, verdict, f"{code}: {error.response['Error'].get('Message')}", remedy)
    except BotoCoreError as error:
        return Finding(what, Verdict.UNKNOWN, str(error), remedy)
    return Finding(
        what, Verdict.READY if ready else Verdict.MISSING, detail, "" if ready else remedy
    )


def _credentials(access: Access, settings: EnvironmentSettings) -> tuple[bool, str]:
    identity = access.client("sts").get_caller_identity()
    right = settings.account in (None, identity["Account"])
    return right, f"{identity['Arn']}" + ("" if right else f", expected account {settings.account}")


def _region(access: Access, settings: EnvironmentSettings) -> tuple[bool, str]:
    found = access.session.region_name
    return found == settings.region, f"session {found}, configured {settings.region}"


def _bootstrap(access: Access) -> tuple[bool, str]:
    value = access.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    return True, f"version {value}"


def _image(access: Access, image: Image) -> tuple[bool, str]:
    """A parameter that records no digest was written by a deployment, not by a build."""
    found = access.parameter(Parameter.IMAGE_DIGEST, image)
    return "@sha256:" in found, found


def _quota(
    access: Access, instance: str, count: int, *, spot: bool, job: JobKind
) -> tuple[bool, str]:
    kind = (
        ("spot training job" if spot else "training job")
        if job is JobKind.TRAINING
        else ("processing job")
    )
    wanted = f"{instance} for {kind} usage"
    pages = access.client("service-quotas").get_paginator("list_service_quotas")
    for page in pages.paginate(ServiceCode="sagemaker"):
        for quota in page["Quotas"]:
            if quota["QuotaName"] == wanted:
                return quota["Value"] >= count, f"{wanted}: {quota['Value']:.0f} of {count}"
    return False, f"{wanted}: not listed"


def _model(access: Access, model: str) -> tuple[bool, str]:
    client: Any = access.client("bedrock")
    profiles = client.list_inference_profiles()["inferenceProfileSummaries"]
    active = {row["inferenceProfileId"] for row in profiles if row["status"] == "ACTIVE"}
    if model in active:
        return True, f"{model}: active inference profile"
    found = client.get_foundation_model(modelIdentifier=model)["modelDetails"]
    status = found["modelLifecycle"]["status"]
    return status == "ACTIVE", f"{model}: {status}"


def examine(access: Access, settings: EnvironmentSettings) -> list[Finding]:
    """Return all findings for an environment, in the order in which they build on each other."""
    findings = [
        _probe(
            "credentials",
            "sign in to the configured account",
            lambda: _credentials(access, settings),
        ),
        _probe(
            "region",
            "set AWS_DEFAULT_REGION to the configured region",
            lambda: _region(access, settings),
        ),
        _probe("bootstrap", "run `npx cdk bootstrap`", lambda: _bootstrap(access)),
        _probe(
            "application",
            "deploy it: `make deploy ENV=...`",
            lambda: (True, f"version {access.parameter(Parameter.VERSION)}"),
        ),
    ]
    findings += [
        _probe(
            f"image {image}",
            f"run `make images ENV={access.env}`",
            partial(_image, access, image),
        )
        for image in Image
    ]
    counts: dict[tuple[str, bool, JobKind], int] = {}
    for stage, contract in STAGES.items():
        job = settings.jobs[stage]
        needed = (job.instance_type, job.spot, contract.kind)
        counts[needed] = max(job.instance_count, counts.get(needed, 0))
    findings += [
        _probe(
            f"quota {instance}",
            "request an increase in Service Quotas",
            partial(_quota, access, instance, count, spot=spot, job=kind),
        )
        for (instance, spot, kind), count in sorted(counts.items())
    ]
    findings += [
        _probe(
            f"model {model}",
            "request access in the Bedrock console",
            partial(_model, access, model),
        )
        for model in settings.model_ids
    ]
    return findings
