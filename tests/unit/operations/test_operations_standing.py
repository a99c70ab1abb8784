"""Where runs stand: the ledger whole and in order, unknown runs named."""

from decimal import Decimal

import pytest

from configs.contracts.names import Parameter
from configs.contracts.stages import STAGES
from operations.access import OperationError
from operations.follow import standing
from operations.standing import plain, recent_executions, run_ledger
from tests.fixtures import operator_account as house
from tests.fixtures.operator_account import operator

pytestmark = pytest.mark.usefixtures("account")


def test_a_ledger_holds_the_run_and_its_stages_in_their_order() -> None:
    for position, stage in reversed(list(enumerate(STAGES))):
        house.put_entry(
            "run-1", f"stage#{position:02d}#{stage}", stage=stage.value, uri=f"s3://{stage}/"
        )
    house.put_entry("run-1", "run", status="RUNNING", submitter="kim")
    house.put_entry("run-1", "gate#phase0", checks=3)
    house.put_entry("run-2", "stage#00#preflight", stage="preflight", uri="s3://other/")
    found = run_ledger(operator(), "run-1")
    assert found.run["submitter"] == "kim"
    assert [row["stage"] for row in found.stages] == [stage.value for stage in STAGES]
    assert found.uri("phase0") == "s3://phase0/"
    assert found.uri("nothing") is None


def test_an_unknown_run_has_an_empty_ledger() -> None:
    found = run_ledger(operator(), "run-9")
    assert (found.run, found.stages) == ({}, [])


def test_a_ledger_of_many_pages_is_read_whole() -> None:
    for number in range(30):
        house.put_entry(
            "run-1", f"stage#05#distill#{number:02d}", stage="distill", uri="u", text="x" * 60_000
        )
    assert len(run_ledger(operator(), "run-1").stages) == 30


def test_numbers_come_as_numbers() -> None:
    raw = {"a": Decimal(3), "b": [Decimal("0.5")], "c": {"d": Decimal("1E+2")}, "e": "3"}
    found = plain(raw)
    assert found == {"a": 3, "b": [0.5], "c": {"d": 100}, "e": "3"}
    assert [type(found["a"]), type(found["b"][0])] == [int, float]


def test_an_unknown_run_is_named_with_what_to_do() -> None:
    machine = operator().parameter(Parameter.TRAINING_PIPELINE_ARN)
    arn = machine.replace(":stateMachine:", ":execution:") + ":run-9"
    with pytest.raises(OperationError, match="no run run-9"):
        standing(operator(), arn)


def test_recent_executions_are_at_most_as_many_as_asked_for() -> None:
    machine = operator().parameter(Parameter.TRAINING_PIPELINE_ARN)
    for number in range(3):
        house.aws("stepfunctions").start_execution(stateMachineArn=machine, name=f"run-{number}")
    assert {row["name"] for row in recent_executions(operator(), machine)} == {
        "run-0",
        "run-1",
        "run-2",
    }
    assert len(recent_executions(operator(), machine, limit=1)) == 1
