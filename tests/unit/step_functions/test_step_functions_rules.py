"""Rules that every state of both machines keeps: ends in time, typed retries, no dead state."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function
from configs.contracts.stages import STAGES, Stage
from configs.errors import SevenLensError
from configs.settings.environment import ENVIRONMENTS, load_environment
from lambdas.control import errors as control_errors
from lambdas.control.stages import LEASE_SECONDS
from lambdas.stores.bounded import StoreUnavailable
from step_functions import ops_review, training_pipeline
from step_functions.jobs import TIMEOUT_MARGIN_S
from step_functions.spec import StateMachineSpec, resolve
from tests.fixtures.asl_walk import every_state, unreached
from tests.fixtures.pipeline_play import PROCESSING, TRAINING, names, parameters

SPECS = {
    "training_pipeline": training_pipeline.build(parameters()),
    "ops_review": ops_review.build(),
}
PASSING = {"StageBusy", "StoreUnavailable"}
"""Our errors that may pass by themselves."""
UNTYPED = {"States.ALL", "States.TaskFailed", "States.Timeout", "States.Runtime"}
CALL = "${Function."


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> StateMachineSpec:
    return SPECS[request.param]


def tasks(spec: StateMachineSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in every_state(spec.definition).items():
        if state["Type"] == "Task":
            yield name, state


def retried(state: dict[str, Any]) -> set[str]:
    return {error for row in state.get("Retry", []) for error in row["ErrorEquals"]}


def function_of(state: dict[str, Any]) -> Function | None:
    name = str(state["Arguments"].get("FunctionName", ""))
    return Function(name.removeprefix(CALL).removesuffix("}")) if name else None


def test_every_state_can_be_reached(spec: StateMachineSpec) -> None:
    assert unreached(spec.definition) == set()


def test_every_state_has_a_way_on_or_is_an_end(spec: StateMachineSpec) -> None:
    for name, state in every_state(spec.definition).items():
        ends = state.get("End") is True or state["Type"] in ("Succeed", "Fail")
        goes_on = "Next" in state or state["Type"] == "Choice"
        assert ends is not goes_on, name


def test_every_task_ends_in_time_and_after_its_functions_own_limit(spec: StateMachineSpec) -> None:
    for name, state in tasks(spec):
        assert state["TimeoutSeconds"] > 0, name
        function = function_of(state)
        if function is not None and not state["Resource"].endswith("waitForTaskToken"):
            assert state["TimeoutSeconds"] > FUNCTIONS[function].timeout_s, name


def test_every_retry_is_typed_bounded_and_jittered(spec: StateMachineSpec) -> None:
    for name, state in tasks(spec):
        assert state["Retry"], name
        for row in state["Retry"]:
            assert not UNTYPED & set(row["ErrorEquals"]), name
            assert row["JitterStrategy"] == "FULL", name
            assert row["MaxAttempts"] >= 1, name
            assert row["BackoffRate"] > 1, name
            assert row["MaxDelaySeconds"] > row["IntervalSeconds"] >= 1, name
        errors = [error for row in state["Retry"] for error in row["ErrorEquals"]]
        assert len(errors) == len(set(errors)), name


def every_error(root: type[SevenLensError] = SevenLensError) -> set[str]:
    return {root.__name__} | {
        name for child in root.__subclasses__() for name in every_error(child)
    }


def test_none_of_our_permanent_errors_is_tried_again(spec: StateMachineSpec) -> None:
    assert issubclass(control_errors.StageBusy, SevenLensError)
    assert issubclass(StoreUnavailable, SevenLensError)
    permanent = every_error() - PASSING
    assert {
        "BadInput",
        "GateRejected",
        "BudgetExceeded",
        "SmokeFailed",
        "ArtefactError",
    } < permanent
    for name, state in tasks(spec):
        assert not retried(state) & permanent, name


def test_a_store_that_did_not_answer_is_asked_again_by_every_function(
    spec: StateMachineSpec,
) -> None:
    for name, state in tasks(spec):
        if function_of(state) is not None:
            assert {"StoreUnavailable", "Lambda.TooManyRequestsException"} <= retried(state), name


def test_a_busy_stage_is_waited_for_by_plans_alone() -> None:
    for name, state in tasks(SPECS["training_pipeline"]):
        assert ("StageBusy" in retried(state)) is name.startswith("Plan "), name


def mean_wait(row: dict[str, Any]) -> float:
    """Return the seconds that all attempts wait together on average, by full jitter."""
    pauses = (
        min(row["IntervalSeconds"] * row["BackoffRate"] ** attempt, row["MaxDelaySeconds"])
        for attempt in range(row["MaxAttempts"])
    )
    return float(sum(pauses)) / 2


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_a_busy_stage_is_waited_for_longer_than_its_job_may_take(env: str, stage: Stage) -> None:
    jobs = {
        name: (TRAINING if row.spot else PROCESSING).__class__(
            row.instance_type, 1, 30, row.max_run_s, row.spot, True, 1.0
        )
        for name, row in load_environment(env).jobs.items()
    }
    states = every_state(training_pipeline.build(parameters(jobs=jobs)).definition)
    (busy,) = [
        row for row in states[f"Plan {stage}"]["Retry"] if row["ErrorEquals"] == ["StageBusy"]
    ]
    assert mean_wait(busy) > 1.5 * (jobs[stage].longest_s + TIMEOUT_MARGIN_S)
    assert busy["MaxAttempts"] * 5 < 25_000 / 2, "an execution's history is bounded"


def test_a_lease_outlives_the_longest_job_that_settings_allow() -> None:
    assert LEASE_SECONDS > 5 * 86400 + 3600 + TIMEOUT_MARGIN_S


def test_a_failed_job_is_not_run_again_by_a_retry() -> None:
    for name, state in tasks(SPECS["training_pipeline"]):
        if name.startswith("Run "):
            assert all(error.startswith("SageMaker.") for error in retried(state)), name
            assert "SageMaker.ResourceLimitExceededException" in retried(state), name


def test_catches_serve_roll_back_alone(spec: StateMachineSpec) -> None:
    states = every_state(spec.definition)
    caught = {
        name: {row["Next"] for row in state["Catch"]}
        for name, state in states.items()
        if "Catch" in state
    }
    expected = {"Flip pointer": {"Roll back"}, "Smoke test": {"Roll back"}}
    assert caught == (expected if "Roll back" in states else {})


def variables(value: Any) -> set[str]:
    """Return the names of variables that expressions in a value read."""
    found: set[str] = set()
    if isinstance(value, str) and value.startswith("{%"):
        local = set(re.findall(r"function\(\$(\w+)\)", value))
        read = set(re.findall(r"\$(\w+)(?!\w*\()", value))
        return read - local - {"states"}
    if isinstance(value, dict):
        for row in value.values():
            found |= variables(row)
    if isinstance(value, list):
        for row in value:
            found |= variables(row)
    return found


def assigned(spec: StateMachineSpec) -> set[str]:
    found: set[str] = set()
    for state in every_state(spec.definition).values():
        for row in (state, *state.get("Choices", []), *state.get("Catch", [])):
            found |= set(row.get("Assign", {}))
    return found


def test_every_variable_that_is_read_is_assigned_and_every_assigned_one_is_read(
    spec: StateMachineSpec,
) -> None:
    assert variables(spec.definition) == assigned(spec)


def test_the_role_may_call_exactly_the_functions_that_are_called(spec: StateMachineSpec) -> None:
    called = {function_of(state) for _, state in tasks(spec)} - {None}
    (statement,) = [row for row in spec.statements if "lambda:InvokeFunction" in row.actions]
    assert set(statement.resources) == {f"{CALL}{name}}}" for name in called}


def test_every_placeholder_must_be_resolved_and_none_is_left(spec: StateMachineSpec) -> None:
    table = names(spec)
    assert "${" not in str(resolve(spec.definition, table))
    for name in table:
        with pytest.raises(KeyError):
            resolve(
                [spec.definition, [list(row.resources) for row in spec.statements]],
                {other: value for other, value in table.items() if other != name},
            )


def test_a_stage_without_resources_is_an_error() -> None:
    jobs = dict(parameters().jobs)
    del jobs[Stage.REPORT]
    with pytest.raises(KeyError):
        training_pipeline.build(parameters(jobs=jobs))
