"""The doctor: each finding measured, what is missing told apart from what is unknown."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from configs.contracts.names import Parameter
from configs.contracts.stages import Image
from configs.settings.environment import EnvironmentSettings, load_environment
from operations.doctor import BOOTSTRAP_PARAMETER, Finding, Verdict, examine
from tests.fixtures import operator_account as house
from tests.fixtures.operator_account import operator

pytestmark = pytest.mark.usefixtures("account")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said so"}}, "Anything")


class Quotas:
    """Service Quotas: every quota that the settings need, at `value`."""

    def __init__(self, settings: EnvironmentSettings, value: float) -> None:
        kinds = ("processing job", "training job", "spot training job")
        instances = {job.instance_type for job in settings.jobs.values()}
        self._rows = [
            {"QuotaName": f"{instance} for {kind} usage", "Value": value}
            for instance in sorted(instances)
            for kind in kinds
        ]

    def get_paginator(self, _name: str) -> "Quotas":
        return self

    def paginate(self, *, ServiceCode: str) -> list[dict[str, Any]]:
        assert ServiceCode == "sagemaker"
        middle = len(self._rows) // 2
        return [{"Quotas": self._rows[:middle]}, {"Quotas": self._rows[middle:]}]


class Models:
    """Bedrock: which profiles are active, and the life of a foundation model."""

    def __init__(self, *active: str, lifecycle: str = "", error: Exception | None = None) -> None:
        self._active = active
        self._lifecycle = lifecycle
        self._error = error

    def list_inference_profiles(self) -> dict[str, Any]:
        if self._error:
            raise self._error
        rows = [{"inferenceProfileId": name, "status": "ACTIVE"} for name in self._active]
        return {"inferenceProfileSummaries": rows}

    def get_foundation_model(self, *, modelIdentifier: str) -> dict[str, Any]:
        if not self._lifecycle:
            raise refused("ResourceNotFoundException")
        return {"modelDetails": {"modelLifecycle": {"status": self._lifecycle}}}


@pytest.fixture
def settings() -> EnvironmentSettings:
    return load_environment("local")


def ready(settings: EnvironmentSettings) -> dict[str, Any]:
    """Return fakes of an account in which nothing is missing."""
    house.aws("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value="21", Type="String")
    return {
        "service_quotas": Quotas(settings, 4),
        "bedrock": Models(*settings.model_ids),
    }


def diagnose(settings: EnvironmentSettings, **fakes: Any) -> dict[str, Finding]:
    return {row.what: row for row in examine(operator(**fakes), settings)}


def test_an_account_in_which_nothing_is_missing_is_ready(settings: EnvironmentSettings) -> None:
    found = examine(operator(**ready(settings)), settings)
    assert {row.verdict for row in found} == {Verdict.READY}
    assert [row.what for row in found[:4]] == ["credentials", "region", "bootstrap", "application"]
    assert {f"image {image}" for image in Image} < {row.what for row in found}
    assert {f"model {name}" for name in settings.model_ids} < {row.what for row in found}


@pytest.mark.parametrize("value", ["unbuilt", "a1" * 20, ""])
def test_an_image_that_was_deployed_but_never_built_is_missing(
    settings: EnvironmentSettings, value: str
) -> None:
    fakes = ready(settings)
    house.publish(Parameter.IMAGE_DIGEST, value or "-", Image.CPU.value)
    row = diagnose(settings, **fakes)[f"image {Image.CPU}"]
    assert row.verdict is Verdict.MISSING
    assert "make images" in row.remedy


def test_an_application_that_is_not_deployed_is_missing(settings: EnvironmentSettings) -> None:
    fakes = ready(settings)
    house.withdraw(Parameter.VERSION)
    row = diagnose(settings, **fakes)["application"]
    assert row.verdict is Verdict.MISSING
    assert row.remedy


def test_a_missing_bootstrap_is_missing(settings: EnvironmentSettings) -> None:
    fakes = ready(settings)
    house.aws("ssm").delete_parameter(Name=BOOTSTRAP_PARAMETER)
    assert diagnose(settings, **fakes)["bootstrap"].verdict is Verdict.MISSING


def test_another_account_or_region_is_missing(settings: EnvironmentSettings) -> None:
    changed = settings.model_copy(update={"account": "9" * 12, "region": "eu-west-1"})
    found = diagnose(changed, **ready(settings))
    assert found["credentials"].verdict is Verdict.MISSING
    assert "9" * 12 in found["credentials"].detail
    assert found["region"].verdict is Verdict.MISSING


@pytest.mark.parametrize(
    ("value", "count", "verdict"),
    [
        (4, 4, Verdict.READY),
        (3, 4, Verdict.MISSING),
        (1, 1, Verdict.READY),
        (0, 1, Verdict.MISSING),
    ],
)
def test_a_quota_is_enough_when_it_covers_all_instances_of_a_job(
    settings: EnvironmentSettings, value: float, count: int, verdict: Verdict
) -> None:
    fakes = ready(settings) | {"service_quotas": Quotas(settings, value)}
    jobs = {
        stage: job.model_copy(update={"instance_count": count})
        for stage, job in settings.jobs.items()
    }
    found = diagnose(settings.model_copy(update={"jobs": jobs}), **fakes)
    quotas = [row for what, row in found.items() if what.startswith("quota ")]
    assert quotas
    assert {row.verdict for row in quotas} == {verdict}


def test_a_quota_that_is_not_listed_is_missing(settings: EnvironmentSettings) -> None:
    empty = Quotas(settings, 4)
    empty._rows.clear()
    found = diagnose(settings, **(ready(settings) | {"service_quotas": empty}))
    rows = [row for what, row in found.items() if what.startswith("quota ")]
    assert {row.verdict for row in rows} == {Verdict.MISSING}


@pytest.mark.parametrize(
    ("models", "verdict"),
    [
        (Models(lifecycle="ACTIVE"), Verdict.READY),
        (Models(lifecycle="LEGACY"), Verdict.MISSING),
        (Models(), Verdict.MISSING),
        (Models(error=refused("AccessDeniedException")), Verdict.UNKNOWN),
        (Models(error=refused("ThrottlingException")), Verdict.UNKNOWN),
        (Models(error=EndpointConnectionError(endpoint_url="x")), Verdict.UNKNOWN),
    ],
)
def test_a_model_is_ready_missing_or_unknown_and_never_assumed(
    settings: EnvironmentSettings, models: Models, verdict: Verdict
) -> None:
    found = diagnose(settings, **(ready(settings) | {"bedrock": models}))
    for name in settings.model_ids:
        assert found[f"model {name}"].verdict is verdict
    others = {row.verdict for what, row in found.items() if not what.startswith("model ")}
    assert others == {Verdict.READY}
