"""Commits: an output is exactly its manifest, of its very plan, or nothing is written."""

from typing import Any

import pytest

from configs.contracts.artefacts import MANIFEST_NAME
from configs.contracts.stages import Stage
from configs.contracts.tables import Table
from configs.errors import ArtefactError
from lambdas.control.errors import BadInput
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, StepFunctions
from tests.fixtures.control_stages import (
    FILES,
    TEACHER_INPUT,
    begin,
    commit,
    plan,
    status,
)

pytestmark = pytest.mark.usefixtures("cloud", "states")


def spoil(made: dict[str, Any], how: str) -> None:
    """Leave an output with one fault."""
    stage = Stage.PREFLIGHT
    prefix = cloud_of.work(made, stage, files=FILES)
    manifest = cloud_of.manifest_of(made, stage, FILES)
    if how == "no manifest":
        cloud_of.aws("s3").delete_object(Bucket=LAKE, Key=prefix + MANIFEST_NAME)
    elif how == "manifest not JSON":
        cloud_of.put(prefix + MANIFEST_NAME, b"{")
    elif how == "content hash":
        cloud_of.put(prefix + MANIFEST_NAME, cloud_of.manifest_bytes(manifest, content_hash="0"))
    elif how == "missing file":
        cloud_of.aws("s3").delete_object(Bucket=LAKE, Key=prefix + "a.txt")
    elif how == "other size":
        cloud_of.put(prefix + "a.txt", b"longer than it was")
    elif how == "other bytes of the same size":
        cloud_of.put(prefix + "a.txt", b"FIRST")
    elif how == "extra file":
        cloud_of.put(prefix + "c.txt", b"nobody listed me")
    else:
        change = {how: "another"}
        cloud_of.put(prefix + MANIFEST_NAME, cloud_of.manifest_bytes(manifest, **change))


FAULTS = (
    "no manifest",
    "manifest not JSON",
    "content hash",
    "missing file",
    "other size",
    "other bytes of the same size",
    "extra file",
    "stage",
    "stage_key",
    "code_version",
    "version",
)


@pytest.mark.parametrize("how", FAULTS)
def test_an_output_with_a_fault_is_refused_and_nothing_is_written(
    states: StepFunctions, how: str
) -> None:
    begin(states, "run-1")
    made = plan()
    spoil(made, how)
    before = cloud_of.items(Table.STAGES), cloud_of.items(Table.RUNS)
    with pytest.raises(ArtefactError):
        commit(made)
    assert (cloud_of.items(Table.STAGES), cloud_of.items(Table.RUNS)) == before


def test_large_files_are_hashed_by_the_job_that_mounts_them(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit must end in seconds: only what fits the bound is read, smallest files first."""
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    monkeypatch.setattr("lambdas.control.stages.HASHED_BYTES", len(FILES["a.txt"]))
    prefix = cloud_of.output_prefix(made, Stage.PREFLIGHT, "job-0")
    cloud_of.put(prefix + "sub/b.txt", b"SECOND")
    assert commit(made)["committed"] is True


def test_a_training_jobs_output_is_its_unpacked_model(states: StepFunctions) -> None:
    begin(states, "run-1")
    made = plan(stage=Stage.TEACHER, inputs=TEACHER_INPUT)
    names = [row["ChannelName"] for row in made["training_channels"]]
    assert names == ["settings", "phase0"]
    cloud_of.work(made, Stage.TEACHER, files=FILES)
    done = commit(made, stage=Stage.TEACHER)
    assert done["uri"].endswith("/job-0/output/model/")


def test_a_repeated_commit_of_the_same_output_changes_nothing(states: StepFunctions) -> None:
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    first = commit(made)
    before = cloud_of.items(Table.STAGES)
    assert commit(made) == first
    assert cloud_of.items(Table.STAGES) == before


@pytest.mark.parametrize("lost", ["output_prefix", "stage_key", "code_version"])
def test_a_commit_without_its_plan_is_refused(states: StepFunctions, lost: str) -> None:
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    with pytest.raises(BadInput, match="lacks"):
        commit({name: value for name, value in made.items() if name != lost})
    assert status() == ["leased"]
