"""Stages planned, committed and skipped, with what they are told and what they cost."""

import json
from typing import Any

import pytest

from configs.contracts.stages import STAGES, Stage
from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.errors import BadInput
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, MONTH, PRICE, StepFunctions
from tests.fixtures.control_stages import (
    FILES,
    PHASE0_INPUT,
    begin,
    commit,
    plan,
)

pytestmark = pytest.mark.usefixtures("cloud", "states")


def test_a_plan_gives_the_job_everything_it_needs_and_no_more(states: StepFunctions) -> None:
    begin(states, "run-1")
    made = plan(stage=Stage.PHASE0, inputs=PHASE0_INPUT)
    channels = {row["InputName"]: row["S3Input"]["S3Uri"] for row in made["processing_inputs"]}
    assert set(channels) == {"settings", "preflight", "mamba"}
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


def test_groups_are_stages_of_their_own(states: StepFunctions) -> None:
    begin(states, "run-1")
    inputs: dict[str, Any] = {
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
    assert cloud_of.entry("run-1", "stage#06#distill#one")["group"] == "one"
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
    inputs: dict[str, Any] = {
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


def test_a_missing_input_or_section_is_named(states: StepFunctions) -> None:
    begin(states, "run-1")
    with pytest.raises(BadInput, match="preflight"):
        plan(stage=Stage.PHASE0, inputs={})
    document = cloud_of.settings_json()
    del document["settings"]["dataset"]
    cloud_of.put("runs/run-1/settings.json", json.dumps(document).encode())
    with pytest.raises(BadInput, match="dataset"):
        plan()
