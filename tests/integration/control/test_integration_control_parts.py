"""Commits of a job on several hosts: the parts of all make one output, or nothing is written."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from configs.contracts.artefacts import CHECKS_NAME, MANIFEST_NAME, Manifest
from configs.contracts.stages import STAGES, Stage
from configs.contracts.tables import Table
from configs.errors import ArtefactError
from lambdas.control.errors import GateRejected
from lambdas.gate.handler import handler as judge
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, StepFunctions
from tests.fixtures.control_stages import PHASE0_INPUT, begin, commit, plan

pytestmark = pytest.mark.usefixtures("cloud", "states")
REQUIRED = STAGES[Stage.PHASE0].checks
Files = list[dict[str, bytes]]


@pytest.fixture
def made(states: StepFunctions) -> dict[str, Any]:
    """The plan of a Phase 0 that nobody has made yet."""
    begin(states, "run-1")
    inputs = {stage.value: PHASE0_INPUT["preflight"] for stage in STAGES[Stage.PHASE0].inputs}
    return plan(stage=Stage.PHASE0, inputs=inputs)


def checks(**changes: Any) -> bytes:
    """Return a host's checks; `changes` are made to the last."""
    rows = [cloud_of.passed(name) for name in REQUIRED]
    return cloud_of.checks(*rows[:-1], rows[-1] | changes)


def outputs() -> Files:
    """Return what three hosts leave; the first leaves what is nobody's shard as well."""
    return [
        {"schema.json": b"{}", "features/part-00000.parquet": b"0", "checks-0-of-3.json": checks()},
        {"features/part-00001.parquet": b"11", "checks-1-of-3.json": checks(value=7.0)},
        {"features/part-00002.parquet": b"222", "checks-2-of-3.json": checks()},
    ]


def commit_phase0(made: dict[str, Any]) -> dict[str, Any]:
    return commit(made, stage=Stage.PHASE0)


def gate(uri: str) -> dict[str, int]:
    event = {"stage": Stage.PHASE0, "run": cloud_of.run_json(), "uris": [uri]}
    return judge(event, None)


def test_the_committed_output_is_that_of_one_host(made: dict[str, Any]) -> None:
    files = outputs()
    prefix = cloud_of.work_on_hosts(made, Stage.PHASE0, files=files)
    done = commit_phase0(made)
    assert done["committed"] is True
    whole = Manifest.parse(cloud_of.get(prefix + MANIFEST_NAME))
    every = {name: body for mine in files for name, body in mine.items()}
    every[CHECKS_NAME] = cloud_of.get(prefix + CHECKS_NAME)
    assert whole == cloud_of.manifest_of(made, Stage.PHASE0, every)
    (item,) = [row for row in cloud_of.items(Table.STAGES) if row["stage"]["S"] == "phase0"]
    assert item["content_hash"]["S"] == whole.content_hash
    rows = json.loads(every[CHECKS_NAME])["checks"]
    assert [row["name"] for row in rows] == [*REQUIRED, REQUIRED[-1], REQUIRED[-1]]
    assert [row["value"] for row in rows[-3:]] == [1.0, 7.0, 1.0]
    assert gate(done["uri"])["checks"] == len(rows)


def test_a_repeated_commit_of_parts_changes_nothing(made: dict[str, Any]) -> None:
    prefix = cloud_of.work_on_hosts(made, Stage.PHASE0, files=outputs())
    first = commit_phase0(made)
    before = {key: cloud_of.get(key) for key in cloud_of.keys(prefix)}
    items = cloud_of.items(Table.STAGES)
    assert commit_phase0(made) == first
    assert {key: cloud_of.get(key) for key in cloud_of.keys(prefix)} == before
    assert cloud_of.items(Table.STAGES) == items


@pytest.mark.parametrize("host", [0, 1, 2])
@pytest.mark.parametrize("changes", [{"passed": False}, {"value": None}])
def test_a_check_that_fails_on_any_host_fails_the_gate(
    made: dict[str, Any], host: int, changes: dict[str, Any]
) -> None:
    files = outputs()
    files[host][f"checks-{host}-of-3.json"] = checks(**changes)
    cloud_of.work_on_hosts(made, Stage.PHASE0, files=files)
    done = commit_phase0(made)
    with pytest.raises(GateRejected, match=f"{REQUIRED[-1]}: .*host {host} of 3"):
        gate(done["uri"])


def without_part(files: Files, prefix: str) -> None:
    cloud_of.aws("s3").delete_object(Bucket=LAKE, Key=f"{prefix}manifest-1-of-3.json")


def without_part_but_whole(files: Files, prefix: str) -> None:
    cloud_of.put(prefix + MANIFEST_NAME, cloud_of.get(f"{prefix}manifest-0-of-3.json"))
    without_part(files, prefix)


def part_of_other_count(files: Files, prefix: str) -> None:
    cloud_of.put(f"{prefix}manifest-3-of-4.json", cloud_of.get(f"{prefix}manifest-0-of-3.json"))


def lost_file(files: Files, prefix: str) -> None:
    cloud_of.aws("s3").delete_object(Bucket=LAKE, Key=f"{prefix}features/part-00002.parquet")


def other_bytes(files: Files, prefix: str) -> None:
    cloud_of.put(f"{prefix}features/part-00001.parquet", b"12")


def extra_file(files: Files, prefix: str) -> None:
    cloud_of.put(f"{prefix}features/part-00009.parquet", b"nobody's")


FAULTS: tuple[Callable[[Files, str], None], ...] = (
    without_part,
    without_part_but_whole,
    part_of_other_count,
    lost_file,
    other_bytes,
    extra_file,
)


def refused(made: dict[str, Any], prefix: str) -> None:
    """Hold that the commit is refused, and that neither tables nor the output have changed."""
    before = cloud_of.items(Table.STAGES), cloud_of.items(Table.RUNS), cloud_of.keys(prefix)
    with pytest.raises(ArtefactError):
        commit_phase0(made)
    after = cloud_of.items(Table.STAGES), cloud_of.items(Table.RUNS), cloud_of.keys(prefix)
    assert after == before


@pytest.mark.parametrize("fault", FAULTS)
def test_parts_with_a_fault_are_refused(
    made: dict[str, Any], fault: Callable[[Files, str], None]
) -> None:
    files = outputs()
    prefix = cloud_of.work_on_hosts(made, Stage.PHASE0, files=files)
    fault(files, prefix)
    refused(made, prefix)


def test_a_file_that_two_hosts_left_with_different_bytes_is_refused(made: dict[str, Any]) -> None:
    files = outputs()
    files[1]["schema.json"] = b"[]"
    refused(made, cloud_of.work_on_hosts(made, Stage.PHASE0, files=files))


@pytest.mark.parametrize("field", ["stage", "stage_key", "code_version", "version", "run_id"])
def test_a_part_of_other_work_is_refused(made: dict[str, Any], field: str) -> None:
    files = outputs()
    prefix = cloud_of.work_on_hosts(made, Stage.PHASE0, files=files)
    change: dict[str, Any] = {field: "another"}
    other = replace(cloud_of.manifest_of(made, Stage.PHASE0, files[2]), **change)
    cloud_of.put(f"{prefix}manifest-2-of-3.json", cloud_of.manifest_bytes(other))
    refused(made, prefix)


@pytest.mark.parametrize("how", ["none", "fewer", "not JSON"])
def test_a_host_without_its_checks_is_refused(made: dict[str, Any], how: str) -> None:
    files = outputs()
    if how == "none":
        del files[2]["checks-2-of-3.json"]
    elif how == "fewer":
        rows = [cloud_of.passed(name) for name in REQUIRED[1:]]
        files[2]["checks-2-of-3.json"] = cloud_of.checks(*rows)
    else:
        files[2]["checks-2-of-3.json"] = b"{"
    refused(made, cloud_of.work_on_hosts(made, Stage.PHASE0, files=files))


def test_checks_of_one_host_alone_do_not_stand_for_all(made: dict[str, Any]) -> None:
    files = outputs()
    for index, mine in enumerate(files):
        body = mine.pop(f"checks-{index}-of-3.json")
        if index == 0:
            mine[CHECKS_NAME] = body
    refused(made, cloud_of.work_on_hosts(made, Stage.PHASE0, files=files))
