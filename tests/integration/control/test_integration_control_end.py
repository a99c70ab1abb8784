"""The last acts: the smoke test of what was published, and the record of how a run ended."""

import json
from typing import Any

import pytest

from configs.contracts.names import Metric
from lambdas.control import wiring
from lambdas.control.budget import Price
from lambdas.control.errors import BadInput, SmokeFailed
from lambdas.record_execution.handler import handler as record
from lambdas.smoke_test.handler import handler as smoke
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, MONTH, StepFunctions

RUN = "run-1"
GOOD = {
    "decision_id": "d",
    "disclosure": {"ko": "x"},
    "model_version": "v2",
    "recommendations": [{"product": "p"}],
    "task_layers": {"a": "rules", "b": "distilled"},
    "layer": "distilled",
    "version": "0.1.0",
}


class Body:
    """A payload's stream."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self) -> bytes:
        return self._body


class Recommend:
    """The deployed function: what it answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "/v1/recommendations": (200, GOOD),
            "/v1/health": (200, {"status": "ok"}),
        }
        self.raw: bytes | None = None
        self.error = False
        self.asked: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == "recommend"
        request = json.loads(Payload)
        self.asked.append(request)
        status, body = self.answers[request["path"]]
        payload = json.dumps({"statusCode": status, "body": json.dumps(body)}).encode()
        failed = {"FunctionError": "Unhandled"} if self.error else {}
        return {"Payload": Body(self.raw if self.raw is not None else payload), **failed}


@pytest.fixture
def recommend(states: StepFunctions, monkeypatch: pytest.MonkeyPatch) -> Recommend:
    content = {"model_version": "v2", "record_parts": ["r"], "smoke_customer": "C0"}
    cloud_of.put("stages/package/k/j/package.json", json.dumps(content).encode())
    fake, before = Recommend(), wiring.client

    def client(service: str) -> Any:
        return fake if service == "lambda" else before(service)

    monkeypatch.setattr(wiring, "client", client)
    return fake


def probe() -> dict[str, Any]:
    return smoke({"package_uri": f"s3://{LAKE}/stages/package/k/j/", "model_version": "v2"}, None)


def test_the_published_model_answers_for_its_smoke_customer(recommend: Recommend) -> None:
    assert probe() == {"layer": "distilled", "recommendations": 1}
    first = recommend.asked[0]
    assert json.loads(first["body"]) == {"customer_id": "C0"}
    assert "x-sevenlens-smoke" in first["headers"]


@pytest.mark.parametrize(
    "change",
    [
        {"model_version": "v1"},
        {"recommendations": []},
        {"decision_id": ""},
        {"disclosure": None},
        {"version": None},
        {"task_layers": {}},
        {"task_layers": {"a": "rules", "b": "rules"}},
        {"task_layers": ["distilled"]},
    ],
)
def test_an_answer_that_the_model_did_not_give_fails(
    recommend: Recommend, change: dict[str, Any]
) -> None:
    recommend.answers["/v1/recommendations"] = (200, GOOD | change)
    with pytest.raises(SmokeFailed):
        probe()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/recommendations", (503, {"error": {}})),
        ("/v1/recommendations", (404, {"error": {}})),
        ("/v1/recommendations", (200, [])),
        ("/v1/health", (500, {})),
    ],
)
def test_another_status_or_form_fails(recommend: Recommend, path: str, answer: Any) -> None:
    recommend.answers[path] = answer
    with pytest.raises(SmokeFailed):
        probe()


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b"[]", b'{"statusCode": 200, "body": "x"}'])
def test_an_answer_that_is_none_fails(recommend: Recommend, raw: bytes) -> None:
    recommend.raw = raw
    with pytest.raises(SmokeFailed):
        probe()


def test_a_function_that_died_fails_by_its_error(recommend: Recommend) -> None:
    recommend.raw, recommend.error = b'{"errorType": "ImportError"}', True
    with pytest.raises(SmokeFailed, match="ImportError"):
        probe()


def test_a_package_without_a_smoke_customer_is_refused(recommend: Recommend) -> None:
    cloud_of.put("stages/package/k/j/package.json", b"{}")
    with pytest.raises(BadInput):
        probe()


def ended(states: StepFunctions, status: str, run_id: str = RUN, **more: Any) -> dict[str, str]:
    arn = cloud_of.arn_of(run_id)
    states.described[arn] = {"status": status, **more}
    return record({"detail": {"executionArn": arn, "status": "anything"}}, None)


def begun() -> None:
    content = {"status": "RUNNING", "execution_arn": cloud_of.arn_of(RUN), "month": MONTH}
    assert wiring.ledger().begin(RUN, content | {"submitter": "kim"})


def booked() -> dict[str, Any]:
    return {
        row["entry"]: row.get("cost_usd", row.get("reserved_usd"))
        for row in wiring.ledger().entries(f"ledger#{MONTH}")
        if not row["entry"].startswith("#")
    }


JOB_CAUSE = json.dumps({"ProcessingJobName": "j", "ExitMessage": "trans.asc: 3 orphans"})


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        ("FAILED", {"error": "States.TaskFailed", "cause": JOB_CAUSE}, "3 orphans"),
        ("FAILED", {"error": "X", "cause": json.dumps({"FailureReason": "why"})}, "X: why"),
        ("FAILED", {"error": "X", "cause": json.dumps({"errorMessage": "why"})}, "X: why"),
        ("FAILED", {"error": "X", "cause": "plain"}, "X: plain"),
        ("FAILED", {"error": "X", "cause": "[1]"}, "X: [1]"),
        ("FAILED", {}, "FAILED: no cause was given"),
        ("TIMED_OUT", {"error": "States.Timeout"}, "States.Timeout: no cause was given"),
        ("ABORTED", {}, "ABORTED: no cause was given"),
        ("ABORTED", {"error": "Operator", "cause": "wrong data"}, "Operator: wrong data"),
    ],
)
def test_a_run_that_did_not_succeed_is_on_record_with_the_reason(
    states: StepFunctions, capsys: pytest.CaptureFixture[str], status: str, more: Any, reason: str
) -> None:
    begun()
    assert ended(states, status, **more) == {"outcome": status}
    kept = cloud_of.entry(RUN, "run")
    assert (kept["status"], kept["submitter"]) == (status, "kim")
    assert reason in kept["reason"]
    assert Metric.EXECUTIONS_FAILED.value in capsys.readouterr().out


def test_a_reason_is_bounded(states: StepFunctions) -> None:
    begun()
    ended(states, "FAILED", error="X", cause="y" * 50_000)
    assert len(cloud_of.entry(RUN, "run")["reason"]) <= 2000


def test_a_run_that_was_refused_before_it_began_is_on_record(states: StepFunctions) -> None:
    ended(states, "FAILED", error="BadInput", cause=json.dumps({"errorMessage": "no section"}))
    assert cloud_of.entry(RUN, "run")["reason"] == "BadInput: no section"


def test_a_run_that_succeeded_has_no_reason_and_counts_as_no_failure(
    states: StepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    begun()
    ended(states, "FAILED", error="X", cause="first")
    capsys.readouterr()
    ended(states, "SUCCEEDED")
    kept = cloud_of.entry(RUN, "run")
    assert kept["status"] == "SUCCEEDED"
    assert "reason" not in kept
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_a_late_event_of_an_execution_that_runs_again_ends_nothing(
    states: StepFunctions, status: str
) -> None:
    begun()
    wiring.costs().reserve(MONTH, RUN, 5.0, allow=lambda _spent: None)
    assert ended(states, status) == {"outcome": status}
    assert cloud_of.entry(RUN, "run")["status"] == "RUNNING"
    assert booked() == {RUN: 5}


def test_an_end_gives_the_reservation_back_and_keeps_what_was_charged(
    states: StepFunctions,
) -> None:
    begun()
    costs = wiring.costs()
    costs.reserve(MONTH, RUN, 5.0, allow=lambda _spent: None)
    costs.charge(MONTH, RUN, "phase0", 1.5)
    costs.charge(MONTH, "run-10", "phase0", 2.5)
    for _ in range(2):
        ended(states, "SUCCEEDED")
        assert booked() == {RUN: 0, f"{RUN}#phase0": 1.5, "run-10#phase0": 2.5}


@pytest.mark.parametrize(("seconds", "usd"), [(900.0, 0.5), (7200.0, 2.0), (-60.0, 0.0)])
def test_a_job_that_was_open_is_charged_until_the_end_at_most_by_its_worst_case(
    states: StepFunctions, monkeypatch: pytest.MonkeyPatch, seconds: float, usd: float
) -> None:
    begun()
    wiring.costs().open(MONTH, RUN, "teacher", Price(2.0, 3600), at=1_000_000.0)
    monkeypatch.setattr("time.time", lambda: 1_000_000.0 + seconds)
    for _ in range(2):
        ended(states, "FAILED", error="X", cause="y")
        assert booked() == {f"{RUN}#teacher": usd}


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": {"executionArn": ""}}])
def test_an_event_without_an_execution_records_nothing(
    states: StepFunctions, event: dict[str, Any]
) -> None:
    assert record(event, None) == {"outcome": "no execution named"}


def test_a_step_functions_that_does_not_answer_is_asked_again(states: StepFunctions) -> None:
    with pytest.raises(StoreUnavailable):
        record({"detail": {"executionArn": cloud_of.arn_of("unknown")}}, None)
