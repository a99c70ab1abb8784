"""Leases: one winner of a race, takeover from the gone, fencing of those who come back."""

from typing import Any

import pytest

from configs.contracts.stages import Stage
from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.errors import StageBusy
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import StepFunctions
from tests.fixtures.control_stages import (
    FILES,
    begin,
    commit,
    plan,
    status,
)

pytestmark = pytest.mark.usefixtures("cloud", "states")


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
