"""The whole house: from delivered data to an answer, and what a repeated run skips."""

import json

from configs.contracts.stages import Stage
from configs.contracts.tables import Table
from configs.version import version
from operations.submit import Submission
from tests.end_to_end.house import House


def customer_of(house: House, run: Submission) -> str:
    return str(json.loads(house.file(run, Stage.PACKAGE, "package.json"))["smoke_customer"])


def test_every_stage_is_committed_and_answers_carry_reasons(
    house: House, first: Submission
) -> None:
    assert {row["stage"] for row in house.ledger(first).stages} == {row.value for row in Stage}
    status, answer = house.ask(customer_of(house, first))
    assert status == 200
    assert answer["version"] == version()
    assert answer["recommendations"]
    for row in answer["recommendations"]:
        assert row["reason"]["ko"] != row["reason"]["en"]
        if row["lens_shares"]:
            assert abs(sum(row["lens_shares"].values()) - 1) < 1e-3


def test_the_decision_is_on_record_with_the_same_id(house: House, first: Submission) -> None:
    _, answer = house.ask(customer_of(house, first))
    recorded = {row["decision_id"]: row for row in house.rows(Table.DECISIONS)}
    assert answer["decision_id"] in recorded
    assert recorded[answer["decision_id"]]["customer_id"] == answer["customer_id"]


def test_what_a_student_recommends_has_a_reason_and_reasons_differ_between_customers(
    house: House, first: Submission
) -> None:
    lines = house.file(first, Stage.PACKAGE, "records/part-00000.jsonl").splitlines()
    customers = [json.loads(line)["customer_id"] for line in lines[:30]]
    answers = [house.ask(customer) for customer in customers]
    rows = [row for status, answer in answers if status == 200 for row in answer["recommendations"]]
    scored = [row for row in rows if row["layer"] != "rules"]
    told = [row for row in scored if row["facts"]]
    assert len(scored) >= 30
    assert len(told) >= 0.8 * len(scored), "a student scored them, and nothing speaks for them"
    first_places = [row["reason"]["en"] for row in told if row["rank"] == 1]
    assert len(first_places) >= 20
    assert len(set(first_places)) >= 0.9 * len(first_places)


def test_an_unchanged_run_skips_all_but_its_report(house: House, first: Submission) -> None:
    again = house.submit()
    ended = house.finish(again)
    assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
    assert house.skipped(again) == {row.value for row in Stage} - {"report"}
    assert house.hashes(again) == house.hashes(first)


def test_a_changed_setting_runs_only_what_it_reaches(house: House, first: Submission) -> None:
    changed = house.submit(package__attributions__top=3)
    ended = house.finish(changed)
    assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
    assert house.skipped(changed) == {
        "preflight",
        "mamba",
        "phase0",
        "teacher",
        "evaluate",
        "distill",
    }
    assert house.hashes(changed)["package"] != house.hashes(first)["package"]


def test_a_stranger_gets_a_defined_answer(house: House) -> None:
    status, answer = house.ask("nobody-0000")
    assert status in (200, 404)
    assert answer["version"] == version()
    status, answer = house.ask("nobody-0000", colour="red")
    assert status == 422
    assert any("colour" in row["field"] for row in answer["error"]["problems"])
