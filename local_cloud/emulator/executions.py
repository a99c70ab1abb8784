"""Step Functions: SageMaker `.sync` tasks, and stopped executions that stay stopped.

A task of a stopped or timed-out execution stops its job, as AWS does on a best-effort basis. The
emulator lets a task that fails after StopExecution turn the execution from ABORTED to FAILED;
here an ended execution is left alone.
"""

import contextvars
import json
import threading
import time
from typing import Any

from local_cloud.emulator import callbacks
from local_cloud.emulator.internals import part
from local_cloud.emulator.sagemaker.jobs import JobError, Jobs
from local_cloud.emulator.sagemaker.records import Record, describe_milliseconds
from local_cloud.emulator.sagemaker.roles import assume
from local_cloud.emulator.sagemaker.specification import Kind

POLL_S = 0.5
RESOURCE = "arn:aws:states:::sagemaker:create{kind}Job"
ERROR_NAMES = {"ResourceInUse": "ResourceInUseException"}
GENERAL_ERROR = "AmazonSageMakerException"
MANAGED = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
"""The tag that Step Functions adds, for which its role needs sagemaker:AddTags."""

_execution: contextvars.ContextVar[str] = contextvars.ContextVar("sevenlens_execution", default="")
_deadline: contextvars.ContextVar[float] = contextvars.ContextVar(
    "sevenlens_deadline", default=float("inf")
)


_lost: list[str] = []


class _Abandoned(BaseException):
    """Ends the thread of a stopped execution without anything taking it for a failure."""


def _running(execution: str) -> bool:
    record = part("services.stepfunctions")._executions.get(execution)
    return record is None or record["status"] == "RUNNING"


def _wait(jobs: Jobs, record: Record) -> None:
    """Wait for a job; stop it when its execution was stopped or its state has timed out."""
    execution, deadline = _execution.get(), _deadline.get()
    while not jobs.board.wait(record, POLL_S):
        abandoned = not _running(execution)
        if not abandoned and time.monotonic() < deadline:
            continue
        try:
            jobs.stop(record)
        except JobError:
            return  # it ended by itself in this moment
        jobs.board.wait(record, float("inf"))
        if abandoned:
            raise _Abandoned
        raise part("services.stepfunctions")._ExecutionError("States.Timeout", "Task timed out")


def _refusal(role: str, action: str, resource: str, context: dict[str, str]) -> str | None:
    """Return why a state machine's role may not do something, None if it may."""
    key, _, _ = assume(role, "StepFunctions")
    denied = part("core.iam_evaluator").enforce(
        key,
        action,
        action.split(":")[0],
        part("core.responses").get_region(),
        resource_arn=resource,
        service_context=dict(context),
    )
    if denied is None:
        return None
    return (
        f"User: {role} is not authorized to perform: {action} on resource: {resource} "
        "(AccessDeniedException)"
    )


def _check_role(kind: Kind, request: dict[str, Any], *, synchronous: bool) -> None:
    """Refuse what the policy of the execution's role does not allow; the emulator does not."""
    machine, responses = part("services.stepfunctions"), part("core.responses")
    execution = machine._executions[_execution.get()]
    role = machine._state_machines[execution["stateMachineArn"]]["roleArn"]
    job = (
        f"arn:aws:sagemaker:{responses.get_region()}:{responses.get_account_id()}:"
        f"{kind.lower()}-job/{request.get(f'{kind}JobName', '')}"
    )
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    needed = [
        (f"sagemaker:Create{kind}Job", job, {}),
        ("sagemaker:AddTags", job, {}),
        ("iam:PassRole", request.get("RoleArn", ""), passed),
    ]
    if synchronous:
        needed += [(f"sagemaker:{verb}{kind}Job", job, {}) for verb in ("Describe", "Stop")]
    for action, resource, context in needed:
        if refusal := _refusal(role, action, resource, context):
            raise machine._ExecutionError(f"SageMaker.{GENERAL_ERROR}", refusal)


def _task(jobs: Jobs, kind: Kind, resource: str, request: dict[str, Any]) -> dict[str, Any]:
    failure = part("services.stepfunctions")._ExecutionError
    service = part("app")._loaded_modules["sagemaker"]
    _check_role(kind, request, synchronous=resource.endswith(".sync"))
    tags = [*request.get("Tags", []), MANAGED]
    try:
        request = {**request, "Tags": tags}
        arn = service.call(f"Create{kind}Job", request)[f"{kind}JobArn"]
    except JobError as error:
        name = ERROR_NAMES.get(error.code, GENERAL_ERROR)
        raise failure(f"SageMaker.{name}", error.message) from error
    if not resource.endswith(".sync"):
        return {f"{kind}JobArn": arn}
    record = jobs.get(kind, request[f"{kind}JobName"])
    _wait(jobs, record)
    answer = describe_milliseconds(record)
    if record.status == "Failed":
        raise failure("States.TaskFailed", json.dumps(answer))
    return answer


def announce_lost() -> None:
    """Send the status event of executions that were running when the server was killed.

    Whoever waits for the end of an execution, such as a lease of its stages, hears of it.
    """
    machine, responses = part("services.stepfunctions"), part("core.responses")

    def announce(arn: str) -> None:
        _, _, _, region, account, *_ = arn.split(":")
        responses.set_request_region(region)
        responses.set_request_account_id(account)
        machine._emit_execution_status_event(machine._executions[arn])

    for arn in _lost:
        threading.Thread(target=contextvars.Context().run, args=(announce, arn)).start()
    _lost.clear()


def install(jobs: Jobs) -> None:
    """Register the tasks and put the guards around executions."""
    machine = part("services.stepfunctions")
    for kind in Kind:

        def task(resource: str, request: dict[str, Any], kind: Kind = kind) -> dict[str, Any]:
            return _task(jobs, kind, resource, request)

        machine._SERVICE_DISPATCH[RESOURCE.format(kind=kind)] = task

    run, fail, limited = (
        machine._run_execution,
        machine._fail_execution,
        machine._invoke_resource_with_timeout,
    )

    def run_execution(arn: str) -> None:
        _execution.set(arn)
        try:
            run(arn)
        except _Abandoned:
            return

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def invoke_with_timeout(resource: str, request: Any, timeout: Any) -> Any:
        token = _deadline.set(time.monotonic() + float(timeout))
        try:
            return limited(resource, request, timeout)
        finally:
            _deadline.reset(token)

    restore = machine.load_persisted_state

    def load_persisted_state(data: dict[str, Any]) -> None:
        """Take executions back; those that ran have failed, and say so once we serve."""
        _lost.extend(
            arn
            for (_, _, arn), execution in data["executions"]._data.items()
            if execution["status"] == "RUNNING"
        )
        restore(data)

    callbacks.install(_execution)
    machine.load_persisted_state = load_persisted_state
    machine._run_execution = run_execution
    machine._fail_execution = fail_execution
    machine._invoke_resource_with_timeout = invoke_with_timeout
