"""The operator's command line: errors with a remedy instead of traces, four eyes before acts."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import operations.__main__ as commands
from configs.contracts.names import Parameter
from operations.__main__ import main
from tests.fixtures import operator_account as house
from tests.fixtures.operator_account import operator
from tests.fixtures.oracles import simulated_delivery

pytestmark = pytest.mark.usefixtures("account")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command as an operator of the account; returns status, output and errors."""
    monkeypatch.setattr(commands, "open_access", lambda _env: operator())

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["operations", *words])
        status = main()
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_approving_changes_the_registry_and_says_so(command: Command) -> None:
    arn = house.register("run-1")
    status, out, _ = command("approve", "--env", "local", "--run", "run-1", "--approver", "lee")
    assert (status, "approved by lee" in out) == (0, True)
    assert house.described(arn)["ModelApprovalStatus"] == "Approved"


def test_rejecting_changes_the_registry(command: Command) -> None:
    arn = house.register("run-1")
    assert command("reject", "--approver", "kim")[0] == 0
    assert house.described(arn)["ModelApprovalStatus"] == "Rejected"


@pytest.mark.parametrize(
    ("env", "word", "status"),
    [("prod", "approve", 1), ("prod", "reject", 0), ("local", "approve", 0)],
)
def test_a_submitter_may_not_approve_where_four_eyes_are_demanded(
    command: Command, env: str, word: str, status: int
) -> None:
    arn = house.register("run-1", submitter="kim")
    assert command(word, "--env", env, "--approver", "kim")[0] == status
    pending = house.described(arn)["ModelApprovalStatus"] == "PendingManualApproval"
    assert pending is bool(status)


def test_a_second_decision_gives_its_reason(command: Command) -> None:
    house.register("run-1")
    command("reject", "--approver", "lee")
    status, _, err = command("approve", "--approver", "park")
    assert status == 1
    assert "no package waits" in err
    assert "remedy" in err


@pytest.mark.parametrize("words", [("status", "--run", "run-9"), ("logs",)])
def test_an_unknown_run_is_an_error_with_a_remedy(command: Command, words: tuple[str, ...]) -> None:
    status, _, err = command(*words)
    assert status == 1
    assert "remedy" in err


def test_a_refusal_by_aws_is_an_error_and_no_trace(command: Command) -> None:
    house.publish(Parameter.LAKE_BUCKET, "no-such-bucket")
    house.publish(Parameter.MODEL_GROUP, "no-such-group")
    house.aws("dynamodb").delete_table(TableName="t-runs")
    machine = operator().parameter(Parameter.TRAINING_PIPELINE_ARN)
    house.aws("stepfunctions").start_execution(stateMachineArn=machine, name="run-1")
    status, _, err = command("logs", "--run", "run-1")
    assert status == 1
    assert "ResourceNotFoundException" in err
    assert "Traceback" not in err


def test_a_run_is_not_started_unconfirmed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    (tmp_path / "a.csv").write_text("x\n")
    status, out, err = command("submit", "--dataset", "synthetic", "--data", str(tmp_path))
    assert status == 1
    assert "Worst case of this run: USD" in out
    assert "--yes" in err
    assert "Contents" not in house.aws("s3").list_objects_v2(Bucket=house.BUCKET)


def test_a_confirmed_run_is_started_and_named(command: Command, tmp_path: Path) -> None:
    bank = simulated_delivery(tmp_path / "bank")
    status, out, _ = command(
        "submit", "--dataset", "synthetic", "--data", str(bank), "--yes", "--submitter", "kim"
    )
    assert status == 0
    assert "execution arn:aws:states:" in out
