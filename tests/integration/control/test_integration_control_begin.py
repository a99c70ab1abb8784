"""A run begins: input, settings and images held against what they must be; else nothing."""

import json
import time
from typing import Any

import pytest

from configs.contracts.artefacts import canonical_json
from configs.contracts.stages import STAGES
from configs.contracts.tables import Table
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_begin import NOVEMBER, begin, costs, event, jobs
from tests.fixtures.control_cloud import LAKE, TAG

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(autouse=True)
def november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOVEMBER)


def with_input(**changes: Any) -> dict[str, Any]:
    given = event()["input"] | changes
    return {"input": {name: value for name, value in given.items() if value is not ...}}


def test_a_run_is_on_record_with_its_worst_case_reserved() -> None:
    cloud_of.put_settings(distillation={"groups": {"b": ["*"], "a": ["*"]}})
    answer = begin()
    assert answer["groups"] == ["a", "b"]
    assert Run.parse(answer["run"]) == Run(**cloud_of.run_json())
    kept = cloud_of.entry("run-1", "run")
    assert (kept["status"], kept["submitter"], kept["worst_case_usd"]) == ("RUNNING", "kim", 10)
    assert kept["execution_arn"] == cloud_of.arn_of("run-1")
    assert costs()["run-1"]["reserved_usd"] == 10


def test_a_repeated_begin_of_one_execution_reserves_once() -> None:
    cloud_of.put_settings()
    assert begin() == begin()
    assert costs()["run-1"]["reserved_usd"] == 10
    assert {name for name in costs() if not name.startswith("#")} == {"run-1"}


def test_a_run_id_of_another_execution_is_refused_and_its_entry_left() -> None:
    cloud_of.put_settings()
    begin()
    before = cloud_of.items(Table.RUNS)
    other = cloud_of.arn_of("run-1").replace(":pipeline:", ":another:")
    with pytest.raises(BadInput, match="another execution"):
        begin(execution_arn=other)
    assert cloud_of.items(Table.RUNS) == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_input(run_id=...), "missing"),
        (with_input(submitter=""), "missing"),
        (with_input(data_uri=7), "missing"),
        (with_input(colour="red"), "unknown"),
        ({"input": None}, "missing"),
        ({"input": "text"}, "missing"),
        ({"execution_arn": cloud_of.arn_of("run-2")}, "not the name"),
        (with_input(settings_uri=f"s3://{LAKE}/runs/other/settings.json"), "settings lie"),
        (with_input(settings_uri="s3://elsewhere/runs/run-1/settings.json"), "settings lie"),
        (with_input(data_uri=f"s3://{LAKE}/raw/{'e' * 24}/"), "data lie"),
        (with_input(data_uri=f"s3://elsewhere/raw/{cloud_of.DATA_HASH}/"), "data lie"),
        (with_input(submitter="lee"), "submitter"),
    ],
)
def test_an_input_that_is_not_what_it_must_be_starts_nothing(
    change: dict[str, Any], why: str
) -> None:
    cloud_of.put_settings()
    with pytest.raises(BadInput, match=why):
        begin(**change)
    assert cloud_of.items(Table.RUNS) == []


@pytest.mark.parametrize("run_id", ["", "a b", "../x", "x" * 81, "run_1", "실행"])
def test_a_run_id_that_cannot_be_a_name_is_refused(run_id: str) -> None:
    with pytest.raises(BadInput):
        begin(run_id)


def spoiled(section: str, value: Any) -> bytes:
    document = cloud_of.settings_json()
    if value is ...:
        del document["settings"][section]
    else:
        document["settings"][section] = value
    return canonical_json(document)


def renamed(name: str, value: Any) -> bytes:
    document = cloud_of.settings_json()
    document["identity"][name] = value
    return canonical_json(document)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "missing"),
        (b"{", "not JSON"),
        (b"[]", "no JSON object"),
        (b"{}", "identity"),
        (canonical_json(cloud_of.settings_json() | {"settings": None}), "sections missing"),
        (spoiled("teacher", ...), "missing \\['teacher'\\]"),
        (spoiled("colour", {}), "unknown \\['colour'\\]"),
        (spoiled("dataset", {"name": "another"}), "data set"),
        (spoiled("dataset", {}), "data set"),
        (spoiled("dataset", "synthetic"), "data set"),
        (spoiled("distillation", {}), "groups"),
        (spoiled("distillation", {"groups": {}}), "groups"),
        (spoiled("distillation", {"groups": ["a"]}), "groups"),
        (spoiled("distillation", {"groups": {"a/b": []}}), "channel"),
        (spoiled("distillation", {"groups": {name: [] for name in "abcd"}}), "at most 3"),
        (renamed("run_id", "run-2"), "run_id"),
        (renamed("submitter_arn", ""), "submitter_arn"),
        (renamed("data_hash", None), "data_hash"),
        (renamed("dataset", "another"), "data set"),
    ],
)
def test_settings_that_are_not_what_they_must_be_start_nothing(
    body: bytes | None, why: str
) -> None:
    if body is not None:
        cloud_of.put("runs/run-1/settings.json", body)
    with pytest.raises(BadInput, match=why):
        begin()
    assert cloud_of.items(Table.RUNS) == []


@pytest.mark.parametrize(
    "value",
    [
        "unbuilt",
        TAG,
        f"{TAG}@",
        f"{TAG}@None",
        f"{TAG}@sha256:{'0' * 63}",
        f"{'b2' * 20}@sha256:{'0' * 64}",
        f"sha256:{'0' * 64}",
    ],
)
def test_an_image_that_was_not_built_from_the_sources_starts_nothing(value: str) -> None:
    cloud_of.put_settings()
    cloud_of.built(value)
    with pytest.raises(BadInput, match="images/cpu"):
        begin()
    assert cloud_of.items(Table.RUNS) == []


def test_an_image_without_a_parameter_starts_nothing() -> None:
    cloud_of.put_settings()
    cloud_of.aws("ssm").delete_parameter(Name=cloud_of.PARAMETER)
    with pytest.raises(BadInput, match="images/cpu"):
        begin()


def test_the_bound_on_groups_is_that_of_the_job_with_the_most_inputs() -> None:
    """SageMaker takes ten inputs a processing job; settings, raw data and run facts are inputs."""
    most = json.loads(json.dumps({name: ["*"] for name in ("a", "b", "c")}))
    cloud_of.put_settings(distillation={"groups": most})
    begin(jobs=jobs(3.0))
    for contract in STAGES.values():
        grouped = sum(STAGES[stage].per_group for stage in contract.inputs)
        inputs = 1 + contract.raw + contract.run_facts + len(contract.inputs) - grouped
        assert inputs + grouped * len(most) <= 10
