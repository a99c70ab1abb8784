"""A job on several hosts: each knows its place and leaves what no other host leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.contracts.parts import join_manifests, part_of
from configs.contracts.stages import STAGES, JobKind, Stage
from training_jobs import phase0
from training_jobs.hosts import ALONE, HostsError, Share, leave_own, read_share
from training_jobs.runtime import ROOT_VARIABLE, JobContext, load_context, run_job

IDENTITY = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}
SHARDED = [stage for stage, contract in STAGES.items() if contract.sharded]
SINGLE = [stage for stage, contract in STAGES.items() if not contract.sharded]
HOSTS = ["algo-1", "algo-10", "algo-2"]
FILES = ("schema.json", "fitted/a.npy", "done/fitted.json")
OF_SHARDS = ("features/part-{:05d}.parquet", "done/part-{:05d}.json")


def resources(root: Path, stage: Stage, content: Any) -> None:
    """Write what SageMaker tells a host of the others."""
    training = STAGES[stage].kind is JobKind.TRAINING
    path = root / ("input/config" if training else "config") / "resourceconfig.json"
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def place(host: str, hosts: list[str]) -> dict[str, Any]:
    return {"current_host": host, "hosts": hosts, "network_interface_name": "eth0"}


def settings(root: Path, stage: Stage) -> None:
    training = STAGES[stage].kind is JobKind.TRAINING
    folder = root / ("input/data" if training else "processing/input") / "settings"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"settings": {}, "identity": IDENTITY}))


def test_phase0_is_sharded() -> None:
    assert SHARDED == [Stage.PHASE0]


@pytest.mark.parametrize("order", [1, -1])
def test_hosts_agree_on_their_places_in_whatever_order_they_are_told(
    tmp_path: Path, order: int
) -> None:
    found = []
    for host in HOSTS[::order]:
        root = tmp_path / host
        settings(root, Stage.PHASE0)
        resources(root, Stage.PHASE0, place(host, HOSTS[::order]))
        found.append(load_context(Stage.PHASE0, root).share)
    assert found[::order] == [Share(0, 3), Share(1, 3), Share(2, 3)]


@pytest.mark.parametrize("stage", STAGES)
def test_the_only_host_does_all(tmp_path: Path, stage: Stage) -> None:
    settings(tmp_path, stage)
    resources(tmp_path, stage, place("algo-1", ["algo-1"]))
    assert load_context(stage, tmp_path).share == ALONE


@pytest.mark.parametrize("stage", SINGLE)
def test_a_stage_that_is_not_sharded_runs_on_one_host_or_not_at_all(
    tmp_path: Path, stage: Stage
) -> None:
    assert read_share(STAGES[stage], tmp_path) == ALONE
    resources(tmp_path, stage, place("algo-2", ["algo-1", "algo-2"]))
    with pytest.raises(HostsError, match="runs on one host, not on 2"):
        read_share(STAGES[stage], tmp_path)


@pytest.mark.parametrize(
    "content",
    [None, "{", [], {"hosts": ["algo-1"]}, {"current_host": "algo-1"}, place("algo-3", HOSTS)],
)
def test_a_sharded_job_that_does_not_know_its_place_does_not_start(
    tmp_path: Path, content: Any
) -> None:
    if content is not None:
        resources(tmp_path, Stage.PHASE0, content)
    with pytest.raises(HostsError, match="does not say which of the job's hosts this is"):
        read_share(STAGES[Stage.PHASE0], tmp_path)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_shard_is_exactly_one_hosts(count: int) -> None:
    shards = (3, 4, 7, 8, 9)
    dealt = [shard for index in range(count) for shard in Share(index, count).of(shards)]
    assert sorted(dealt) == list(shards)


def test_more_hosts_than_shards_are_refused_on_every_host() -> None:
    for index in range(4):
        with pytest.raises(HostsError, match="4 hosts for 3 customer shards"):
            Share(index, 4).of((0, 1, 2))


def fill(output: Path, shards: tuple[int, ...]) -> set[str]:
    """Write what a host has made before it leaves its own; returns the names."""
    names = {*FILES, *(name.format(shard) for name in OF_SHARDS for shard in shards)}
    for name in names:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(name)
    return names


def names_in(folder: Path) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_file_is_left_by_exactly_one_host(tmp_path: Path, count: int) -> None:
    shards, left = (2, 3, 6), []
    for index in range(count):
        output, share = tmp_path / str(index), Share(index, count)
        every = fill(output, shards)
        leave_own(output, shards, share=share)
        mine = set(names_in(output))
        of_shards = {name.format(shard) for name in OF_SHARDS for shard in share.of(shards)}
        assert mine == of_shards | (set(FILES) if index == 0 else set())
        left += sorted(mine)
    assert sorted(left) == sorted(every)


def test_each_host_leaves_its_part_of_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = []
    for index, host in enumerate(("algo-1", "algo-2")):
        root = tmp_path / host
        settings(root, Stage.PHASE0)
        resources(root, Stage.PHASE0, place(host, ["algo-1", "algo-2"]))
        monkeypatch.setenv(ROOT_VARIABLE, str(root))

        def main(context: JobContext) -> None:
            fill(context.output, (0, 1, 2))
            leave_own(context.output, (0, 1, 2), share=context.share)

        run_job(Stage.PHASE0, main)
        output = root / "processing/output/stage"
        name = part_of(MANIFEST_NAME, index=index, count=2)
        part = Manifest.parse((output / name).read_bytes())
        part.verify(output)
        assert {entry.path for entry in part.files} == set(names_in(output)) - {name}
        assert not (output / MANIFEST_NAME).exists()
        parts.append(part)
    whole = join_manifests(parts)
    assert len(whole.files) == sum(len(part.files) for part in parts)
    assert {entry.path for entry in whole.files} == fill(tmp_path / "all", (0, 1, 2))


def test_a_host_that_cannot_tell_its_place_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path, Stage.PHASE0)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(SystemExit) as caught:
        run_job(Stage.PHASE0, phase0.main)
    assert caught.value.code == 1
    assert "HostsError" in (tmp_path / "output" / "failure").read_text()
