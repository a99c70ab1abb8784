"""Who may approve: somebody whom AWS names, and where demanded not the submitter."""

from typing import Any

import pytest

from lambdas.control.settling import FOUR_EYES_VARIABLE
from tests.fixtures.control_approval import KIM, LEE, Registry, decided, kept, wait
from tests.fixtures.control_cloud import StepFunctions


@pytest.mark.parametrize(
    ("by", "metadata"),
    [
        (KIM, {}),
        (KIM, {"decided_by": "lee"}),
        ({"UserProfileName": "Kim"}, {}),
        ({"IamIdentity": {"Arn": "arn:aws:sts::1:assumed-role/Operators/KIM"}}, {}),
        (LEE, {"decided_by": "kim"}),
        (None, {"decided_by": " kim "}),
        ({}, {"decided_by": "arn:aws:iam::1:user/kim"}),
    ],
)
def test_the_submitter_may_not_approve_under_any_of_their_names(
    states: StepFunctions, registry: Registry, by: dict[str, Any] | None, metadata: dict[str, str]
) -> None:
    wait(states)
    registry.decide("Approved", by, **metadata)
    assert decided() == "refused"
    ((_, error, cause),) = states.answers
    assert (error, "also submitted" in cause) == ("ApprovalRefused", True)


@pytest.mark.parametrize("by", [None, {}, {"IamIdentity": {}}])
def test_an_approval_by_nobody_is_refused(
    states: StepFunctions, registry: Registry, by: dict[str, Any] | None
) -> None:
    wait(states)
    registry.decide("Approved", by)
    assert decided() == "refused"


def test_who_decided_is_whom_aws_names_not_who_somebody_claims_to_be(
    states: StepFunctions, registry: Registry
) -> None:
    wait(states)
    registry.decide("Approved", LEE, decided_by="the director")
    decided()
    assert kept()["approver"] == LEE["IamIdentity"]["Arn"]


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("false", "approved"), ("true", "refused"), ("", "refused"), ("False", "refused")],
)
def test_four_eyes_are_demanded_unless_switched_off_exactly(
    states: StepFunctions,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    outcome: str,
) -> None:
    monkeypatch.setenv(FOUR_EYES_VARIABLE, value)
    wait(states)
    registry.decide("Approved", KIM)
    assert decided() == outcome


def test_four_eyes_are_demanded_where_nothing_is_said(
    states: StepFunctions, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOUR_EYES_VARIABLE)
    wait(states)
    registry.decide("Approved", KIM)
    assert decided() == "refused"
