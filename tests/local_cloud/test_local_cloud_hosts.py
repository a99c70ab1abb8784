"""One job on several instances: the bytes of one, and the reason of the one that failed."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.artefacts import CHECKS_NAME, MANIFEST_NAME, Manifest
from configs.contracts.stages import STAGES, Stage
from lambdas.control.outputs import hold_hashes, hold_listing
from lambdas.control.parts import gather, seal
from lambdas.control.uris import Location
from tests.fixtures.sharded_bank import SHARDS, write_channels
from tests.local_cloud.conftest import Bench, ended, status, until

PATIENCE_S = 300.0
"""For jobs that do real work on a machine that may be busy."""
PHASE0_JOB = ["python", "-m", "training_jobs.phase0"]
CONTROL = ("checks", "manifest")
"""Starts of the documents that say who did the work, not what was made."""


@pytest.fixture(scope="module")
def channels(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The inputs of a small Phase 0 in the bucket; returns the names of its channels."""
    folder = write_channels(tmp_path_factory.mktemp("bank"))
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bench.put(f"open/hosts/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return sorted(path.name for path in folder.iterdir())


def phase0(bench: Bench, channels: list[str], *, name: str, instances: int) -> dict[str, Any]:
    """Run Phase 0 as the state machine would; returns its description at the end."""
    request = bench.processing(name)
    request["AppSpecification"] = {
        "ImageUri": request["AppSpecification"]["ImageUri"],
        "ContainerEntrypoint": PHASE0_JOB,
    }
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = instances
    request["ProcessingInputs"] = []
    for channel in channels:
        given = bench.processing_input(f"open/hosts/{channel}/")
        given["InputName"] = channel
        given["S3Input"]["LocalPath"] = f"/opt/ml/processing/input/{channel}"
        request["ProcessingInputs"].append(given)
    describe = bench.start(request)
    final = ("Completed", "Failed", "Stopped")
    until(lambda: status(describe()) in final, seconds=PATIENCE_S)
    return describe()


def left_by(bench: Bench, name: str) -> dict[str, bytes]:
    """Return the bytes of everything a job made."""
    prefix = f"out/{name}/"
    keys = [key.removeprefix(prefix) for key in bench.keys(prefix)]
    return {key: bench.get(prefix + key) for key in keys if not key.startswith(CONTROL)}


def test_two_instances_leave_the_bytes_of_one_and_become_one_output(
    bench: Bench, channels: list[str]
) -> None:
    for name, instances in (("hosts-1", 1), ("hosts-2", 2)):
        described = phase0(bench, channels, name=name, instances=instances)
        assert status(described) == "Completed", described.get("FailureReason")
    made = left_by(bench, "hosts-2")
    assert made == left_by(bench, "hosts-1")
    for kind in ("examples", "features", "events", "incidence"):
        of_shards = {f"{kind}/part-{shard:05d}.parquet" for shard in range(SHARDS)}
        assert of_shards == {name for name in made if name.startswith(f"{kind}/")}

    s3, outputs = bench.cloud.client("s3"), {}
    parts = [f"manifest-{index}-of-2.json" for index in range(2)]
    assert MANIFEST_NAME not in {Path(key).name for key in bench.keys("out/hosts-2/")}
    of_hosts = [Manifest.parse(bench.get(f"out/hosts-2/{part}")) for part in parts]
    written = [{entry.path for entry in part.files} for part in of_hosts]
    assert not written[0] & written[1], "a file has two writers"
    for name in ("hosts-1", "hosts-2"):
        output = Location(bench.bucket, f"out/{name}/")
        left = gather(s3, output)
        hold_listing(s3, output, left.manifest, beside=left.beside)
        hold_hashes(s3, output, left.manifest.files)
        whole = seal(s3, output, left, gated=STAGES[Stage.PHASE0].gated)
        assert Manifest.parse(bench.get(f"out/{name}/{MANIFEST_NAME}")) == whole
        rows = json.loads(bench.get(f"out/{name}/{CHECKS_NAME}"))["checks"]
        outputs[name] = (
            [entry for entry in whole.files if not entry.path.startswith(CONTROL)],
            {row["name"] for row in rows},
            {row["name"] for row in rows if row["blocking"] and not row["passed"]},
        )
    assert outputs["hosts-1"] == outputs["hosts-2"]
    assert outputs["hosts-2"][1] >= set(STAGES[Stage.PHASE0].checks)


def test_more_instances_than_shards_fail_the_job_with_the_remedy(
    bench: Bench, channels: list[str]
) -> None:
    described = phase0(bench, channels, name="hosts-4", instances=SHARDS + 1)
    assert status(described) == "Failed"
    for part in (f"{SHARDS + 1} hosts for {SHARDS} customer shards", "lower instance_count"):
        assert part in described["FailureReason"]
    assert bench.keys("out/hosts-4/") == []


def test_the_reason_of_a_failed_job_is_that_of_the_host_that_failed(bench: Bench) -> None:
    request = bench.processing("host-fails-1", "last_fails")
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 3
    described = ended(bench.start(request))
    assert status(described) == "Failed"
    assert described["ExitMessage"] == "algo-3 ran out of memory"
    assert "algo-3 ran out of memory, exit code: 7" in described["FailureReason"]
    assert bench.keys("out/host-fails-1/") == []
