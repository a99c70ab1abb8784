"""Following runs: reasons in a person's words, remaining time from what was learned."""

import json
from pathlib import Path

import pytest

from operations.follow import Standing, Step, readable_cause
from operations.progress import Durations, stage_of, stage_seconds
from operations.submit import new_run_id


@pytest.mark.parametrize(
    ("cause", "readable"),
    [
        (json.dumps({"ExitMessage": "trans.asc: 3 orphans", "X": 1}), "trans.asc: 3 orphans"),
        (json.dumps({"FailureReason": "killed"}), "killed"),
        (json.dumps({"errorMessage": "gate", "errorType": "GateRejected"}), "gate"),
        ("plain words", "plain words"),
        ("[1]", "[1]"),
        (None, None),
    ],
)
def test_cause_is_unpacked(cause: str | None, readable: str | None) -> None:
    assert readable_cause(cause) == readable


def test_only_run_states_are_stages() -> None:
    assert stage_of("Run phase0") == "phase0"
    assert stage_of("Plan phase0") is None
    assert stage_of("Run nothing") is None


def test_stage_seconds_add_up_over_retries() -> None:
    steps = (
        Step("Run phase0", 10.0),
        Step("Run phase0", 14.0),
        Step("Commit phase0", 20.0),
        Step("Run teacher", 21.0),
    )
    assert stage_seconds(steps, until=26.0) == {"phase0": 10.0, "teacher": 5.0}


def test_remaining_counts_only_stages_ahead(tmp_path: Path) -> None:
    defaults = {"preflight": 1.0, "phase0": 2.0, "teacher": 4.0, "report": 8.0}
    durations = Durations(tmp_path / "d.json", defaults)
    fresh = Standing("RUNNING", ())
    past_phase0 = Standing("RUNNING", (Step("Plan phase0", 0.0), Step("Plan teacher", 1.0)))
    assert durations.remaining(fresh) == 15.0
    assert durations.remaining(past_phase0) == 12.0


def test_learned_durations_survive(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    Durations(path, {}).learn((Step("Run teacher", 5.0),), until=12.0)
    assert Durations(path, {"teacher": 1.0}).expected == {"teacher": 7.0}


def test_run_ids_do_not_repeat_and_fit_execution_names() -> None:
    ids = {new_run_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(run) <= 80 and run.replace("-", "").isalnum() for run in ids)
