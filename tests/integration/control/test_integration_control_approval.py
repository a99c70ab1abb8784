"""A decision is delivered once and recorded as it was, whatever fails on the way."""

import json
from typing import Any

import pytest

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.resume_approval.handler import handler as resume
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_approval import (
    KIM,
    LEE,
    PACKAGE,
    TOKEN,
    Registry,
    decided,
    kept,
    wait,
)
from tests.fixtures.control_cloud import StepFunctions


def test_an_approval_by_another_resumes_the_run_and_is_on_record(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states)
    registry.decide("Approved", LEE)
    assert decided() == "approved"
    ((token, kind, output),) = states.answers
    assert (token, kind) == (TOKEN, "success")
    assert json.loads(output) == {"approver": LEE["IamIdentity"]["Arn"]}
    assert (kept()["decision"], kept()["approver"]) == ("approved", LEE["IamIdentity"]["Arn"])
    assert "task_token" not in cloud_of.items(Table.APPROVALS)[0]


def test_a_rejection_ends_the_run_with_its_reason(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states)
    registry.decide("Rejected", LEE)
    assert decided() == "refused"
    ((_, error, cause),) = states.answers
    assert error == "ApprovalRefused"
    assert "user/lee" in cause
    assert kept()["decision"] == "refused"


@pytest.mark.parametrize("status", ["PendingManualApproval", "Unheard"])
def test_an_event_that_the_registry_does_not_confirm_decides_nothing(
    states: StepFunctions, registry: Registry, status: str
) -> None:
    wait(states)
    registry.decide(status, LEE)
    assert decided() == "undecided"
    assert states.answers == []
    assert TOKEN in states.open_tokens


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": {"ModelPackageArn": "other"}}])
def test_a_foreign_event_changes_nothing(
    states: StepFunctions, registry: Registry, event: dict[str, Any]
) -> None:
    wait(states)
    registry.decide("Approved", LEE)
    assert resume(event, None) == {"outcome": "nothing waits"}
    assert states.answers == []


def test_a_second_answer_is_refused(states: StepFunctions, registry: Registry) -> None:
    wait(states)
    registry.decide("Approved", LEE)
    decided()
    registry.decide("Rejected", KIM)
    assert decided() == "nothing waits"
    assert [kind for _, kind, _ in states.answers] == ["success"]
    assert kept()["decision"] == "approved"


def test_an_expired_token_is_not_answered_even_before_it_is_deleted(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states, seconds=0)
    registry.decide("Approved", LEE)
    assert decided() == "nothing waits"
    assert states.answers == []


def test_an_approval_after_the_task_timed_out_is_too_late_and_says_so(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states)
    states.open_tokens.clear()
    registry.decide("Approved", LEE)
    assert decided() == "too late"
    assert kept()["decision"] == "too late"
    assert decided() == "nothing waits"


def crash_after(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Have the function die before it does `where`, once."""
    target: Any = wiring.ledger() if where == "put" else wiring.approvals()
    plain = getattr(target, where)

    def die(*_given: Any, **_more: Any) -> None:
        monkeypatch.setattr(target, where, plain)
        raise StoreUnavailable("gone", remedy="")

    monkeypatch.setattr(target, where, die)


@pytest.mark.parametrize("where", ["decide", "put", "delivered"])
@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_a_crash_at_any_step_ends_with_one_answer_and_its_true_record(
    states: StepFunctions,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    status: str,
) -> None:
    wait(states)
    registry.decide(status, LEE)
    crash_after(monkeypatch, where)
    with pytest.raises(StoreUnavailable):
        decided()
    outcome = "approved" if status == "Approved" else "refused"
    assert decided() == outcome
    assert len(states.answers) == 1
    assert kept()["decision"] == outcome
    assert "task_token" not in cloud_of.items(Table.APPROVALS)[0]


def test_a_recorded_decision_is_repeated_whatever_the_registry_says_by_then(
    states: StepFunctions, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait(states)
    registry.decide("Approved", LEE)
    crash_after(monkeypatch, "put")
    with pytest.raises(StoreUnavailable):
        decided()
    registry.decide("Rejected", LEE)
    assert decided() == "approved"
    assert [kind for _, kind, _ in states.answers] == ["success"]


def test_of_two_events_at_once_one_decides(
    states: StepFunctions, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait(states)
    registry.decide("Approved", LEE)
    plain = registry.describe_model_package

    def raced(**given: Any) -> dict[str, Any]:
        seen = plain(**given)
        monkeypatch.setattr(registry, "describe_model_package", plain)
        registry.decide("Rejected", LEE)
        assert decided() == "refused"
        return seen

    monkeypatch.setattr(registry, "describe_model_package", raced)
    assert decided() == "decided by another event"
    assert [kind for _, kind, _ in states.answers] == ["ApprovalRefused"]
    assert kept()["decision"] == "refused"


def test_a_retried_state_waits_by_its_new_token_alone(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states, "first")
    wait(states, "second")
    registry.decide("Approved", LEE)
    assert decided() == "approved"
    assert [token for token, _, _ in states.answers] == ["second"]


def test_an_old_delivery_does_not_drop_a_newer_token(states: StepFunctions) -> None:
    wait(states, "first")
    wait(states, "second")
    wiring.approvals().delivered(PACKAGE, token="first", outcome="approved")
    task = wiring.approvals().waiting(PACKAGE)
    assert task is not None
    assert task.task_token == "second"
