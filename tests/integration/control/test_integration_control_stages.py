"""Stages planned, committed, skipped, raced for and taken over, with the real handler."""

import json
from typing import Any

import pytest

from configs.contracts.artefacts import MANIFEST_NAME
from configs.contracts.stages import STAGES, Stage
from configs.contracts.tables import Table
from configs.errors import ArtefactError
from lambdas.control import wiring
from lambdas.control.errors import BadInput, StageBusy
from lambdas.stage_control.handler import handler
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import IMAGE, LAKE, MONTH, PRICE, StepFunctions

FILES = {"a.txt": b"first", "sub/b.txt": b"second"}
PHASE0_INPUT = {"preflight": {"uri": f"s3://{LAKE}/stages/preflight/p/j/", "stage_key": "p"}}
TEACHER_INPUT = {"phase0": {"uri": f"s3://{LAKE}/stages/phase0/p/j/", "stage_key": "q"}}

pytestmark = pytest.mark.usefixtures("cloud", "states")


def plan(run_id: str = "run-1", stage: Stage = Stage.PREFLIGHT, **more: Any) -> dict[str, Any]:
    event = {
        "action": "plan",
        "stage": stage,
        "run": cloud_of.run_json(run_id),
        "inputs": {},
        "image": IMAGE,
        "price": PRICE,
    }
    return handler(event | more, None)


def commit(
    made: dict[str, Any], run_id: str = "run-1", stage: Stage = Stage.PREFLIGHT, **more: Any
) -> dict[str, Any]:
    event = {
        "action": "commit",
        "stage": stage,
        "run": cloud_of.run_json(run_id),
        "plan": made,
        "job": "job-0",
        "version": cloud_of.VERSION,
        "price": PRICE,
    }
    return handler(event | more, None)


def begin(states: StepFunctions, *runs: str) -> None:
    for run_id in runs:
        cloud_of.put_settings(run_id)
        states.described[cloud_of.arn_of(run_id)] = {"status": "RUNNING"}


def status(stage: Stage = Stage.PREFLIGHT) -> list[str]:
    return [
        row["status"]["S"]
        for row in cloud_of.items(Table.STAGES)
        if row["stage"]["S"] == stage.value
    ]


def test_a_plan_gives_the_job_everything_it_needs_and_no_more(states: StepFunctions) -> None:
    begin(states, "run-1")
    made = plan(stage=Stage.PHASE0, inputs=PHASE0_INPUT)
    channels = {row["InputName"]: row["S3Input"]["S3Uri"] for row in made["processing_inputs"]}
    assert set(channels) == {"settings", "preflight"}
    assert channels["preflight"] == PHASE0_INPUT["preflight"]["uri"]
    folder = channels["settings"].removeprefix(f"s3://{LAKE}/")
    given = json.loads(cloud_of.get(f"{folder}settings.json"))
    assert set(given["settings"]) == set(STAGES[Stage.PHASE0].sections)
    assert given["identity"]["stage_key"] == made["stage_key"]
    assert given["identity"]["code_version"] == cloud_of.TAG
    assert made["stage_key"] in made["checkpoint_uri"]
    assert made["committed"] is False


def test_a_stage_is_committed_then_skipped_by_the_next_run(states: StepFunctions) -> None:
    begin(states, "run-1", "run-2")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    done = commit(made)
    states.described[cloud_of.arn_of("run-1")] = {"status": "SUCCEEDED"}
    again = plan("run-2")
    assert again == done | {"committed": True}
    assert "processing_inputs" not in again


def test_what_ran_and_what_was_skipped_are_on_record_with_their_costs(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1", "run-2")
    monkeypatch.setattr(wiring.leases(), "_clock", lambda: 1_000.0)
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    monkeypatch.setattr(wiring.leases(), "_clock", lambda: 2_800.0)
    commit(made)
    plan("run-2")
    ran = cloud_of.entry("run-1", "stage#00#preflight")
    skipped = cloud_of.entry("run-2", "stage#00#preflight")
    assert (ran["skipped"], ran["seconds"], ran["cost_usd"]) == (False, 1800, 1)
    assert (ran["avoided_usd"], ran["job"]) == (0, "job-0")
    assert (skipped["skipped"], skipped["cost_usd"], skipped["avoided_usd"]) == (True, 0, 1)
    assert skipped["uri"] == ran["uri"]
    assert "job" not in skipped
    assert {row["entry"]: row.get("cost_usd") for row in ledger()} == {"run-1#preflight": 1}


def ledger() -> list[dict[str, Any]]:
    return wiring.ledger().entries(f"ledger#{MONTH}")


def test_a_job_that_may_start_is_booked_by_its_worst_case_until_it_is_committed(
    states: StepFunctions,
) -> None:
    begin(states, "run-1")
    made = plan()
    assert [(row["cost_usd"], row["open"]) for row in ledger()] == [(2, True)]
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    commit(made)
    assert ["open" in row for row in ledger()] == [False]


def test_waiting_beyond_the_time_limit_is_not_booked(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1")
    monkeypatch.setattr(wiring.leases(), "_clock", lambda: 0.0)
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    monkeypatch.setattr(wiring.leases(), "_clock", lambda: 100_000.0)
    commit(made)
    assert cloud_of.entry("run-1", "stage#00#preflight")["cost_usd"] == PRICE["usd_per_hour"]


def test_of_two_executions_one_gets_the_stage_and_the_other_its_result(
    states: StepFunctions,
) -> None:
    begin(states, "run-1", "run-2")
    made = plan("run-1")
    with pytest.raises(StageBusy, match="run-1"):
        plan("run-2")
    assert not cloud_of.entry("run-2", "stage#00#preflight")
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    done = commit(made)
    assert plan("run-2")["uri"] == done["uri"]


def test_a_retried_plan_of_the_same_execution_keeps_its_lease(states: StepFunctions) -> None:
    begin(states, "run-1")
    assert plan() == plan()


@pytest.mark.parametrize("ended", ["FAILED", "TIMED_OUT", "ABORTED", "gone"])
def test_the_lease_of_an_ended_execution_is_taken_over_and_its_holder_fenced(
    states: StepFunctions, ended: str
) -> None:
    begin(states, "run-1", "run-2")
    stale = plan("run-1")
    cloud_of.work(stale, Stage.PREFLIGHT, job="job-0", files=FILES)
    if ended == "gone":
        del states.described[cloud_of.arn_of("run-1")]
    else:
        states.described[cloud_of.arn_of("run-1")] = {"status": ended}
    fresh = plan("run-2")
    assert fresh["stage_key"] == stale["stage_key"]
    assert fresh["job_base"] != stale["job_base"]
    with pytest.raises(StageBusy, match="lost"):
        commit(stale, "run-1")
    assert status() == ["leased"]
    assert not cloud_of.entry("run-1", "stage#00#preflight")
    cloud_of.work(fresh, Stage.PREFLIGHT, job="job-1", files=FILES)
    assert commit(fresh, "run-2", job="job-1")["uri"].endswith("/job-1/")
    with pytest.raises(StageBusy, match="lost"):
        commit(stale, "run-1")


def test_a_living_holder_keeps_its_lease_until_it_expires(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1", "run-2")
    leases = wiring.leases()
    monkeypatch.setattr(leases, "_clock", lambda: 0.0)
    plan("run-1")
    until = int(cloud_of.items(Table.STAGES)[0]["lease_until"]["N"])
    monkeypatch.setattr(leases, "_clock", lambda: until - 1.0)
    with pytest.raises(StageBusy):
        plan("run-2")
    monkeypatch.setattr(leases, "_clock", lambda: float(until))
    assert plan("run-2")["committed"] is False


def test_a_lease_renewed_since_it_was_read_is_not_taken_over(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1", "run-2")
    leases = wiring.leases()
    monkeypatch.setattr(leases, "_clock", lambda: 0.0)
    plan("run-1")
    states.described[cloud_of.arn_of("run-1")] = {"status": "FAILED"}

    def redriven(_arn: str) -> bool:
        """The holder comes back to life between the look and the takeover."""
        monkeypatch.setattr(leases, "_clock", lambda: 50.0)
        plan("run-1")
        return False

    monkeypatch.setattr(leases, "_is_running", redriven)
    with pytest.raises(StageBusy, match="taken by another"):
        plan("run-2")
    assert cloud_of.items(Table.STAGES)[0]["owner"]["S"] == cloud_of.arn_of("run-1")


def test_of_two_takeovers_at_once_one_wins(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1", "run-2", "run-3")
    plan("run-1")
    leases = wiring.leases()
    plain = leases._is_running

    def raced(_arn: str) -> bool:
        monkeypatch.setattr(leases, "_is_running", lambda _arn: False)
        plan("run-3")
        monkeypatch.setattr(leases, "_is_running", plain)
        return False

    monkeypatch.setattr(leases, "_is_running", raced)
    with pytest.raises(StageBusy):
        plan("run-2")
    assert cloud_of.items(Table.STAGES)[0]["owner"]["S"] == cloud_of.arn_of("run-3")


def test_nothing_is_taken_over_while_it_is_unknown_whether_the_holder_runs(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(states, "run-1", "run-2")
    plan("run-1")

    def silent(**_given: Any) -> dict[str, Any]:
        raise KeyError("no answer")

    monkeypatch.setattr(states, "describe_execution", silent)
    with pytest.raises(StoreUnavailable):
        plan("run-2")
    assert cloud_of.items(Table.STAGES)[0]["owner"]["S"] == cloud_of.arn_of("run-1")


def test_a_crash_between_output_and_commit_leaves_no_stage_and_another_run_completes(
    states: StepFunctions,
) -> None:
    begin(states, "run-1", "run-2")
    cloud_of.work(plan("run-1"), Stage.PREFLIGHT, files=FILES)
    states.described[cloud_of.arn_of("run-1")] = {"status": "FAILED"}
    assert status() == ["leased"]
    made = plan("run-2")
    assert made["committed"] is False
    cloud_of.work(made, Stage.PREFLIGHT, job="job-1", files=FILES)
    commit(made, "run-2", job="job-1")
    assert status() == ["committed"]


def test_a_repeated_commit_of_the_same_output_changes_nothing(states: StepFunctions) -> None:
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    first = commit(made)
    before = cloud_of.items(Table.STAGES)
    assert commit(made) == first
    assert cloud_of.items(Table.STAGES) == before


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


def test_groups_are_stages_of_their_own(states: StepFunctions) -> None:
    begin(states, "run-1")
    inputs = {
        name: {"uri": f"s3://{LAKE}/stages/{name}/k/j/", "stage_key": name}
        for name in ("phase0", "teacher", "evaluate")
    }
    made = {
        group: plan(stage=Stage.DISTILL, inputs=inputs, group=group) for group in ("one", "two")
    }
    assert made["one"]["stage_key"] != made["two"]["stage_key"]
    assert {row["group"] for row in made.values()} == {"one", "two"}
    cloud_of.work(made["one"], Stage.DISTILL, files=FILES)
    done = commit(made["one"], stage=Stage.DISTILL, group="one")
    assert done["group"] == "one"
    assert cloud_of.entry("run-1", "stage#05#distill#one")["group"] == "one"
    assert not cloud_of.entry("run-1", "stage#05#distill#two")


@pytest.mark.parametrize(("stage", "group"), [(Stage.DISTILL, None), (Stage.PREFLIGHT, "one")])
def test_a_group_is_given_where_it_belongs(stage: Stage, group: str | None) -> None:
    with pytest.raises(BadInput, match="group"):
        plan(stage=stage, group=group)


def test_the_report_is_told_of_its_run_and_is_no_part_of_what_it_is_told(
    states: StepFunctions,
) -> None:
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    commit(made)
    inputs = {
        stage.value: {"uri": f"s3://{LAKE}/stages/{stage}/k/j/", "stage_key": stage.value}
        for stage in STAGES[Stage.REPORT].inputs
        if stage is not Stage.DISTILL
    }
    inputs["distill"] = {"all": {"uri": f"s3://{LAKE}/stages/distill/k/j/", "stage_key": "d"}}
    first = plan(stage=Stage.REPORT, inputs=inputs)
    channels = {row["InputName"]: row["S3Input"] for row in first["processing_inputs"]}
    assert channels["distill-all"]["LocalPath"].endswith("/distill/all")
    place = channels["run"]["S3Uri"].removeprefix(f"s3://{LAKE}/")
    told = json.loads(cloud_of.get(f"{place}run.json"))
    assert [row["stage"] for row in told["stages"]] == ["preflight"]
    cloud_of.work(first, Stage.REPORT, files=FILES)
    commit(first, stage=Stage.REPORT)
    assert plan(stage=Stage.REPORT, inputs=inputs)["stage_key"] == first["stage_key"]


@pytest.mark.parametrize(
    "change",
    [
        {"image": "registry/no-tag"},
        {"image": None},
        {"price": None},
        {"price": {"usd_per_hour": "nan", "max_run_s": 1}},
        {"price": {"usd_per_hour": 1.0, "max_run_s": 0}},
        {"stage": "nothing"},
        {"run": {"run_id": "run-1"}},
        {"run": None},
        {"action": "forget"},
    ],
)
def test_an_event_that_lacks_something_is_refused_before_a_lease_is_taken(
    states: StepFunctions, change: dict[str, Any]
) -> None:
    begin(states, "run-1")
    with pytest.raises(BadInput):
        plan(**change)
    assert cloud_of.items(Table.STAGES) == []


@pytest.mark.parametrize("lost", ["output_prefix", "stage_key", "code_version"])
def test_a_commit_without_its_plan_is_refused(states: StepFunctions, lost: str) -> None:
    begin(states, "run-1")
    made = plan()
    cloud_of.work(made, Stage.PREFLIGHT, files=FILES)
    with pytest.raises(BadInput, match="lacks"):
        commit({name: value for name, value in made.items() if name != lost})
    assert status() == ["leased"]


def test_a_missing_input_or_section_is_named(states: StepFunctions) -> None:
    begin(states, "run-1")
    with pytest.raises(BadInput, match="preflight"):
        plan(stage=Stage.PHASE0, inputs={})
    document = cloud_of.settings_json()
    del document["settings"]["dataset"]
    cloud_of.put("runs/run-1/settings.json", json.dumps(document).encode())
    with pytest.raises(BadInput, match="dataset"):
        plan()
