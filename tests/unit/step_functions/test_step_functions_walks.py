"""The training pipeline walked: which tasks run, in which order, and what each is given."""

from typing import Any

import pytest

from configs.contracts.stages import STAGES, JobKind, Stage
from tests.fixtures.asl_walk import ExecutionFailed, TaskFailed, Walk
from tests.fixtures.pipeline_play import PROCESSING, RUN, TRAINING, Play, machine

INPUT = {"run_id": "run-1", "settings_uri": "s", "data_uri": "d", "submitter": "kim"}
PUBLICATION = [
    "Register model",
    "Wait for approval",
    "Publish model",
    "Publish part",
    "Publish part",
    "Flip pointer",
    "Smoke test",
]


def context(**execution: Any) -> dict[str, Any]:
    return {"Execution": {"Id": "arn:run-1", "Input": INPUT, **execution}}


def walk(play: Play, **execution: Any) -> Walk:
    return Walk(play, context(**execution))


def stage_calls(stage: Stage, *, times: int = 1, skipped: bool = False) -> list[str]:
    steps = ["Plan"] if skipped else ["Plan", "Run", "Commit"]
    judge = [f"Judge {stage}"] if STAGES[stage].gated else []
    return [f"{step} {stage}" for step in steps] * times + judge


def test_every_stage_is_planned_run_committed_and_judged_in_the_contracts_order() -> None:
    play = Play()
    output = walk(play).run(machine(), INPUT)
    expected = [call for stage in STAGES for call in stage_calls(stage)]
    assert play.calls == ["Begin", *expected, *PUBLICATION]
    assert output["run_id"] == "run-1"
    assert output["model_version"] == "v2"
    assert "key-report" in output["report_uri"]


def test_what_is_committed_is_skipped_and_judged_again() -> None:
    play = Play(committed=frozenset(STAGES) - {Stage.REPORT})
    made = walk(play)
    made.run(machine(), INPUT)
    expected = [
        call for stage in STAGES for call in stage_calls(stage, skipped=stage is not Stage.REPORT)
    ]
    assert play.calls == ["Begin", *expected, *PUBLICATION]
    assert made.given["Judge phase0"]["Payload"]["uris"] == ["s3://old/key-phase0-/"]


@pytest.mark.parametrize("skipped", [False, True])
@pytest.mark.parametrize("groups", [("all",), ("one", "two", "three")])
def test_stages_are_given_the_outputs_of_their_inputs(
    groups: tuple[str, ...], skipped: bool
) -> None:
    play = Play(groups, committed=frozenset({Stage.DISTILL} if skipped else ()))
    made = walk(play)
    made.run(machine(), INPUT)
    for stage, contract in STAGES.items():
        payload = made.given[f"Plan {stage}"]["Payload"]
        assert payload["run"] == RUN
        assert set(payload["inputs"]) == {row.value for row in contract.inputs}
        for name, value in payload["inputs"].items():
            if STAGES[Stage(name)].per_group:
                assert set(value) == set(groups)
                keys = {group: row["stage_key"] for group, row in value.items()}
                assert keys == {group: f"key-{name}-{group}" for group in groups}
            else:
                assert value["stage_key"] == f"key-{name}-"
                assert value["uri"]


@pytest.mark.parametrize("groups", [("all",), ("one", "two")])
def test_each_group_is_planned_run_and_committed_and_all_are_judged(
    groups: tuple[str, ...],
) -> None:
    play = Play(groups)
    made = walk(play)
    made.run(machine(), INPUT)
    assert play.calls.count("Run distill") == len(groups)
    uris = made.given["Judge distill"]["Payload"]["uris"]
    assert [uri.split("/")[3] for uri in uris] == [f"key-distill-{group}" for group in groups]
    assert made.given["Commit distill"]["Payload"]["group"] == groups[-1]


def test_a_commit_is_of_the_job_that_ran_with_the_plan_it_ran_by() -> None:
    play = Play()
    made = walk(play)
    made.run(machine(), INPUT)
    for stage, contract in STAGES.items():
        job = made.given[f"Run {stage}"]
        name = job["TrainingJobName" if contract.kind is JobKind.TRAINING else "ProcessingJobName"]
        payload = made.given[f"Commit {stage}"]["Payload"]
        assert payload["job"] == name
        assert payload["plan"]["stage_key"].startswith(f"key-{stage}-")
        assert payload["version"] == job["Environment"]["SEVENLENS_VERSION"]


def test_plans_and_commits_name_the_image_and_the_price_of_the_very_job() -> None:
    made = walk(Play())
    made.run(machine(), INPUT)
    for stage, contract in STAGES.items():
        job, plan = made.given[f"Run {stage}"], made.given[f"Plan {stage}"]["Payload"]
        training = contract.kind is JobKind.TRAINING
        ran = (
            job["AlgorithmSpecification"]["TrainingImage"]
            if training
            else job["AppSpecification"]["ImageUri"]
        )
        assert plan["image"] == ran == f"registry/{contract.image}:tag"
        resources = TRAINING if training else PROCESSING
        hour = resources.usd_per_hour * resources.instance_count
        expected = {"usd_per_hour": hour, "max_run_s": resources.max_run_s}
        assert plan["price"] == expected
        assert made.given[f"Commit {stage}"]["Payload"]["price"] == expected


def test_the_budget_guard_is_told_of_every_job_and_both_limits() -> None:
    made = walk(Play())
    made.run(machine(run_limit_usd=3.0, month_limit_usd=7.0), INPUT)
    payload = made.given["Begin"]["Payload"]
    assert payload["limits"] == {"run_usd": 3.0, "month_usd": 7.0}
    assert payload["input"] == INPUT
    assert payload["execution_arn"] == "arn:run-1"
    rows = {row["stage"]: row for row in payload["jobs"]}
    assert list(rows) == [stage.value for stage in STAGES]
    assert [row["per_group"] for row in rows.values()] == [row.per_group for row in STAGES.values()]
    assert rows["phase0"]["instance_count"] == PROCESSING.instance_count


def test_the_approval_carries_the_tasks_token_and_the_evidence() -> None:
    made = walk(Play())
    made.run(machine(approval_timeout_s=77), INPUT)
    payload = made.given["Wait for approval"]["Payload"]
    assert payload["task_token"] == "token of Wait for approval"
    assert payload["package_arn"] == "arn:package/1"
    assert "key-report" in payload["report_uri"]
    assert payload["expires_in_s"] == 77
    assert machine(approval_timeout_s=77)["States"]["Wait for approval"]["TimeoutSeconds"] == 77


def test_every_part_of_the_records_is_published_under_the_version_before_the_flip() -> None:
    parts: list[dict[str, Any]] = []
    play = Play()

    def watched(name: str, arguments: Any) -> Any:
        if name == "Publish part":
            parts.append(arguments["Payload"])
        return play(name, arguments)

    made = Walk(watched, context())
    made.run(machine(), INPUT)
    assert [row["part"] for row in parts] == ["records/0", "records/1"]
    assert {row["model_version"] for row in parts} == {"v2"}
    assert made.given["Flip pointer"]["Payload"]["prefix"] == "serving/v2/"
    assert made.given["Flip pointer"]["Payload"]["action"] == "flip"


@pytest.mark.parametrize("error", ["SmokeFailed", "States.Timeout", "StoreUnavailable"])
@pytest.mark.parametrize("task", ["Smoke test", "Flip pointer"])
def test_a_publication_that_fails_is_rolled_back_and_ends_with_its_reason(
    task: str, error: str
) -> None:
    play = Play(failing={task: TaskFailed(error, "the reason")})
    made = walk(play)
    with pytest.raises(ExecutionFailed) as caught:
        made.run(machine(), INPUT)
    assert play.calls[-2:] == [task, "Roll back"]
    assert made.given["Roll back"]["Payload"] == {
        "action": "undo",
        "run": RUN,
        "model_version": "v2",
    }
    assert caught.value.error == "RolledBack"
    assert error in caught.value.cause
    assert "the reason" in caught.value.cause


def first_of(task: str, play: Play) -> list[str]:
    return play.calls[play.calls.index(task) + 1 :]


@pytest.mark.parametrize(
    "task",
    [
        "Begin",
        *(call for stage in STAGES for call in stage_calls(stage)),
        "Register model",
        "Wait for approval",
        "Publish model",
        "Publish part",
    ],
)
def test_any_other_failure_ends_the_execution_there_by_its_own_error(task: str) -> None:
    """Nothing is caught, so a redrive enters the failed state itself; nothing is published."""
    play = Play(failing={task: TaskFailed("Whatever", "why")})
    with pytest.raises(ExecutionFailed) as caught:
        walk(play).run(machine(), INPUT)
    assert (caught.value.error, caught.value.cause) == ("Whatever", "why")
    assert first_of(task, play) == []
    assert "Flip pointer" not in play.calls


@pytest.mark.parametrize("error", ["States.Timeout", "ApprovalRefused"])
def test_without_an_approval_nothing_is_published(error: str) -> None:
    play = Play(failing={"Wait for approval": TaskFailed(error)})
    with pytest.raises(ExecutionFailed):
        walk(play).run(machine(), INPUT)
    assert not {"Publish model", "Publish part", "Flip pointer"} & set(play.calls)
