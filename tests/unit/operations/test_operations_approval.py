"""Deciding on packages: the right one, once, by somebody else where that is demanded."""

import io
import json
from typing import Any

import pytest

from configs.contracts.names import Parameter
from operations.access import OperationError
from operations.approval import (
    Package,
    decide,
    pending_packages,
    refuse_own,
    roll_back,
    waiting_package,
)
from tests.fixtures import operator_account as house
from tests.fixtures.operator_account import operator

pytestmark = pytest.mark.usefixtures("account")


def test_the_package_of_a_run_is_found_among_many() -> None:
    """More packages than the registry lists on one page."""
    arns = {f"run-{number}": house.register(f"run-{number}") for number in range(15)}
    assert len(pending_packages(operator())) == 15
    for run_id in ("run-0", "run-14"):
        package = waiting_package(operator(), run_id)
        assert (package.arn, package.run_id) == (arns[run_id], run_id)
        assert (package.description, package.submitter) == (f"model of {run_id}", "kim")


def test_the_only_one_that_waits_needs_no_name() -> None:
    arn = house.register("run-1")
    assert waiting_package(operator(), None).arn == arn


def test_of_several_one_must_be_named() -> None:
    house.register("run-1")
    house.register("run-2")
    with pytest.raises(OperationError, match="2 packages") as caught:
        waiting_package(operator(), None)
    assert "run-1" in caught.value.remedy
    assert "run-2" in caught.value.remedy


@pytest.mark.parametrize("run_id", [None, "run-9"])
def test_nothing_waits_for_an_unknown_run(run_id: str | None) -> None:
    if run_id:
        house.register("run-1")
    with pytest.raises(OperationError, match="no package waits"):
        waiting_package(operator(), run_id)


@pytest.mark.parametrize(("approved", "status"), [(True, "Approved"), (False, "Rejected")])
def test_a_decision_is_in_the_registry_under_a_name(approved: bool, status: str) -> None:
    arn = house.register("run-1")
    decide(operator(), waiting_package(operator(), "run-1"), approver="김하늘", approved=approved)
    found = house.described(arn)
    assert found["ModelApprovalStatus"] == status
    assert found["CustomerMetadataProperties"]["decided_by"] == "김하늘"
    assert found["CustomerMetadataProperties"]["run_id"] == "run-1"


def test_a_second_decision_is_refused_and_changes_nothing() -> None:
    arn = house.register("run-1")
    package = waiting_package(operator(), "run-1")
    decide(operator(), package, approver="lee", approved=False)
    with pytest.raises(OperationError, match="already: Rejected"):
        decide(operator(), package, approver="park", approved=True)
    found = house.described(arn)
    assert found["ModelApprovalStatus"] == "Rejected"
    assert found["CustomerMetadataProperties"]["decided_by"] == "lee"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_decision_needs_a_name(name: str) -> None:
    arn = house.register("run-1")
    with pytest.raises(OperationError, match="name"):
        decide(operator(), waiting_package(operator(), None), approver=name, approved=True)
    assert house.described(arn)["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.parametrize("name", ["kim", "Kim", " KIM "])
def test_a_submitter_is_kept_from_approving(name: str) -> None:
    with pytest.raises(OperationError, match="somebody else"):
        refuse_own(Package("arn", "run-1", "", "kim"), approver=name)


def test_another_person_may_approve() -> None:
    refuse_own(Package("arn", "run-1", "", "kim"), approver="kimberly")


class Flip:
    """The pointer's function."""

    def __init__(self, body: Any, *, failed: bool = False) -> None:
        self._answer = {"Payload": io.BytesIO(json.dumps(body).encode())} | (
            {"FunctionError": "Unhandled"} if failed else {}
        )
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append((FunctionName, json.loads(Payload)))
        return self._answer


def test_roll_back_asks_the_pointers_function_and_gives_its_answer() -> None:
    flip = Flip({"model_version": "v1"})
    assert roll_back(operator(**{"lambda": flip})) == {"model_version": "v1"}
    assert flip.asked == [("flip", {"action": "rollback"})]


def test_a_refused_roll_back_gives_the_functions_reason() -> None:
    flip = Flip({"errorMessage": "there is no model before v1"}, failed=True)
    with pytest.raises(OperationError, match="no model before v1"):
        roll_back(operator(**{"lambda": flip}))


def test_an_application_that_is_not_deployed_is_named() -> None:
    house.withdraw(Parameter.MODEL_GROUP)
    with pytest.raises(OperationError, match="registry/group") as caught:
        pending_packages(operator())
    assert "deploy" in caught.value.remedy
