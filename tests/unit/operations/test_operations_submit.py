"""Submitting: validated first, delivered as the pipeline's intake demands, then started."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.names import Parameter
from configs.contracts.storage import ORACLE_ENDING
from configs.errors import SettingsError
from configs.settings.run import RunSettings
from lambdas.control.intake import given_input, groups_of, identity_of, settings_of
from operations.access import OperationError
from operations.submit import Submission, new_run_id, submit
from tests.fixtures import operator_account as house
from tests.fixtures.operator_account import BUCKET, operator
from tests.fixtures.oracles import oracle_json, simulated_delivery

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return simulated_delivery(tmp_path / "bank")


def start(data: Path, **changes: Any) -> Submission:
    given: dict[str, Any] = {"dataset": "synthetic", "data": data, "submitter": "kim"}
    return submit(operator(), **(given | changes))


def execution(started: Submission) -> dict[str, Any]:
    found: dict[str, Any] = house.aws("stepfunctions").describe_execution(
        executionArn=started.execution_arn
    )
    return found


def document(started: Submission) -> dict[str, Any]:
    key = f"runs/{started.run_id}/settings.json"
    body = house.aws("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def keys() -> set[str]:
    found = house.aws("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {row["Key"] for row in found}


def test_what_is_submitted_is_what_the_pipelines_intake_demands(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUCKET_LAKE", BUCKET)
    started = start(data)
    execution_input = json.loads(execution(started)["input"])
    event = {"execution_arn": started.execution_arn, "input": execution_input}
    given = given_input(event)
    identity = identity_of(document(started), given)
    settings = settings_of(document(started), dataset=identity["dataset"])
    assert set(settings) == set(RunSettings.model_fields)
    assert groups_of(settings)
    assert identity["submitter"] == "kim"
    assert identity["submitter_arn"].startswith("arn:aws:")
    assert f"raw/{started.data_hash}/a.csv" in keys()


def test_overrides_are_in_the_delivered_settings(data: Path) -> None:
    started = start(data, overrides={"distillation.student.seed": 4711})
    assert document(started)["settings"]["distillation"]["student"]["seed"] == 4711


def test_the_oracle_of_a_simulated_bank_is_in_the_delivered_settings(data: Path) -> None:
    started = start(data)
    section = document(started)["settings"]["evaluation"]["state_oracle"]
    assert section == {"data_hash": started.data_hash, "ceilings": oracle_json()}
    assert not any("oracle" in key for key in keys()), "an input of the evaluation alone"


def test_a_simulated_bank_without_its_oracle_starts_nothing(data: Path) -> None:
    data.with_name(data.name + ORACLE_ENDING).unlink()
    with pytest.raises(OperationError, match="state oracle"):
        start(data)
    assert keys() == set()


def test_real_data_go_out_without_an_oracle(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    section = document(start(tmp_path, dataset="berka"))["settings"]["evaluation"]
    assert section["state_oracle"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "nowhere"},
        {"overrides": {"teacher.colour": "red"}},
        {"overrides": {"nothing.at.all": 1}},
    ],
)
def test_a_wrong_setting_uploads_nothing_and_starts_nothing(
    data: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises((SettingsError, KeyError)):
        start(data, **changes)
    assert keys() == set()


def test_an_empty_folder_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="no files"):
        start(tmp_path)
    assert keys() == set()


def test_an_application_that_is_not_deployed_takes_nothing(data: Path) -> None:
    house.withdraw(Parameter.TRAINING_PIPELINE_ARN)
    with pytest.raises(OperationError, match="training_pipeline"):
        start(data)
    assert keys() == set()


def test_two_submissions_share_the_data_and_nothing_else(data: Path) -> None:
    first, second = start(data), start(data)
    assert first.run_id != second.run_id
    assert first.data_hash == second.data_hash
    assert execution(first)["name"] == first.run_id


def test_run_ids_sort_by_time_and_differ_within_one_moment() -> None:
    from datetime import UTC, datetime

    early, late = datetime(2026, 9, 9, tzinfo=UTC), datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
    assert new_run_id(early) < new_run_id(late)
    assert new_run_id(late).startswith("20261123-081500-")
    assert len({new_run_id(late) for _ in range(50)}) == 50
