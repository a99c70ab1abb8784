"""The agents on the deployed house: rewriting behind a gate, and the review that never guesses."""

import json
import time
from typing import Any

import pytest

from configs.contracts.names import Parameter
from configs.contracts.stages import Stage
from configs.contracts.tables import Table
from configs.version import version
from operations.approval import roll_back
from operations.follow import follow
from operations.submit import Submission
from tests.end_to_end.house import House

LANGUAGES = ("ko", "en")
PATIENCE_S = 60.0


def customers(house: House, run: Submission) -> list[str]:
    lines = house.file(run, Stage.PACKAGE, "records/part-00000.jsonl").splitlines()
    return [json.loads(line)["customer_id"] for line in lines]


def with_reason(house: House, run: Submission, *, after: int = 0) -> tuple[str, dict[str, Any]]:
    """Return a customer, and an answer whose first product has a reason."""
    for customer in customers(house, run)[after:]:
        status, answer = house.ask(customer)
        if status == 200 and answer["recommendations"] and answer["recommendations"][0]["facts"]:
            return customer, answer
    raise AssertionError("no customer has a reason")


def until_rewritten(house: House, customer: str) -> dict[str, Any]:
    """Ask again until the first reason comes from the cache."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        first: dict[str, Any] = house.ask(customer)[1]["recommendations"][0]
        if first["reason_source"]["en"] not in ("template", "abstained"):
            return first
        time.sleep(0.5)
    raise AssertionError(f"never rewritten: {first['reason_source']}")


def test_the_first_answer_has_the_template_and_a_later_one_the_rewrite(
    house: House, first: Submission
) -> None:
    customer, answer = with_reason(house, first)
    product = answer["recommendations"][0]
    assert product["reason_source"] == dict.fromkeys(LANGUAGES, "template")
    later = until_rewritten(house, customer)
    assert later["product"] == product["product"]
    assert later["fact_sheet"] == product["fact_sheet"]
    assert later["reason"]["en"] != product["reason"]["en"]


def test_a_writer_that_makes_up_a_number_never_reaches_a_customer(
    house: House, first: Submission
) -> None:
    house.cloud.command("writer", mode="made_up_number", times=50)
    before = {json.dumps(row, default=str, sort_keys=True) for row in house.rows(Table.REASONS)}
    customer, answer = with_reason(house, first, after=40)
    told = answer["recommendations"][0]["reason"]["en"]
    time.sleep(8)
    after = house.ask(customer)[1]["recommendations"][0]
    house.cloud.command("writer", mode="made_up_number", times=0)
    assert after["reason"]["en"] == told
    cached = {
        row
        for row in (json.dumps(r, default=str, sort_keys=True) for r in house.rows(Table.REASONS))
        if row not in before and customer in row
    }
    assert not cached


@pytest.fixture
def review(house: House) -> dict[str, Any]:
    """The report of one review."""
    arn = house.access.parameter(Parameter.OPS_REVIEW_ARN)
    states = house.access.client("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    *_, last = follow(house.access, started, every=0.2)
    assert last.status == "SUCCEEDED", f"{last.error}: {last.cause}"
    output = json.loads(states.describe_execution(executionArn=started)["output"])
    key = output["report"]
    bucket = house.access.parameter(Parameter.AUDIT_BUCKET)
    body = house.access.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def test_the_review_reads_real_records_and_never_passes_what_it_did_not_measure(
    house: House, first: Submission, review: dict[str, Any]
) -> None:
    assert review["version"] == version()
    checks = [row for agent in review["agents"] for row in agent["checks"]]
    assert {agent["agent"] for agent in review["agents"]} == {"ops", "audit"}
    assert all(len(agent["votes"]) == 3 for agent in review["agents"])
    assert any(row["status"] == "PASS" for row in checks)
    for row in checks:
        assert (row["status"] == "UNKNOWN") == (row["value"] == "not measured"), row
    if any(row["status"] != "PASS" for row in checks):
        assert review["verdict"] != "healthy"


def test_rolling_back_serves_the_model_before(house: House, first: Submission) -> None:
    run = house.submit(package__attributions__top=4)
    ended = house.finish(run)
    assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
    newer = house.health()["model_version"]
    roll_back(house.access)
    time.sleep(2.5)
    older = house.health()["model_version"]
    assert older != newer
    status, answer = house.ask(customers(house, first)[0])
    assert status == 200
    assert answer["model_version"] == older
