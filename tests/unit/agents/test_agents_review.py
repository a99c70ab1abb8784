"""The review: missing data is UNKNOWN, a model may tell but not decide, code counts the votes."""

import json
from typing import Any

import pytest

from configs.contracts.artefacts import canonical_json, digest
from lambdas.decision.request import Request
from lambdas.recommend.service import Recommender
from lambdas.review import narrative
from lambdas.review.audit import audit_checks
from lambdas.review.checks import Bound, Result, Status, measured
from lambdas.review.ops import ops_checks
from lambdas.review.report import agent_part, as_json, as_markdown
from lambdas.review.votes import Verdict, ballot, decide, read_vote, worst
from lambdas.review_collect.handler import redacted
from tests.fixtures import serving
from tests.fixtures.serving_ports import World

OPS = serving.agents()["review"]["ops"]
AUDIT = serving.agents()["review"]["audit"]
HEALTHY: dict[str, Any] = {
    "metrics": {
        "Recommendations": 100.0,
        "RuleAnswers": 5.0,
        "DecisionLatency.p95": 80.0,
        "DecisionRecordsFailed": 0.0,
        "ReasonQueueFailed": 0.0,
        "ReasonRewrites": 90.0,
        "ReasonRejected": 10.0,
    },
    "runs": [{"run_id": "r1", "status": "SUCCEEDED"}],
    "control": {"kill_switch": "off", "model_version": "m1"},
}


def by_id(results: list[Result]) -> dict[str, Status]:
    return {row.id: row.status for row in results}


def test_a_healthy_service_passes_every_check() -> None:
    assert set(by_id(ops_checks(HEALTHY, OPS)).values()) == {Status.PASS}


@pytest.mark.parametrize("snapshot", [{}, {"metrics": None, "runs": None, "control": None}])
def test_nothing_collected_is_unknown_never_pass(snapshot: dict[str, Any]) -> None:
    assert set(by_id(ops_checks(snapshot, OPS)).values()) == {Status.UNKNOWN}
    found = by_id(audit_checks(snapshot, AUDIT, languages=serving.languages()))
    assert set(found.values()) == {Status.UNKNOWN}


@pytest.mark.parametrize("metric", sorted(HEALTHY["metrics"]))
def test_each_missing_metric_makes_something_unknown(metric: str) -> None:
    snapshot = json.loads(json.dumps(HEALTHY))
    snapshot["metrics"][metric] = None
    found = by_id(ops_checks(snapshot, OPS))
    assert Status.UNKNOWN in found.values()
    assert Status.FAIL not in found.values()


@pytest.mark.parametrize(
    ("path", "value", "check"),
    [
        (("metrics", "Recommendations"), 0.0, "ops.recommendations"),
        (("metrics", "RuleAnswers"), 50.0, "ops.rule_share"),
        (("metrics", "DecisionLatency.p95"), 900.0, "ops.latency"),
        (("metrics", "DecisionRecordsFailed"), 1.0, "ops.records_failed"),
        (("metrics", "ReasonQueueFailed"), 1.0, "ops.queue_failed"),
        (("metrics", "ReasonRejected"), 90.0, "ops.rejected_share"),
        (("control", "kill_switch"), "on", "ops.kill_switch"),
        (("control", "model_version"), None, "ops.model"),
    ],
)
def test_each_ops_check_can_fail(path: tuple[str, str], value: Any, check: str) -> None:
    snapshot = json.loads(json.dumps(HEALTHY))
    snapshot[path[0]][path[1]] = value
    found = by_id(ops_checks(snapshot, OPS))
    assert found[check] is Status.FAIL


def test_a_failed_run_fails_and_no_run_is_unknown() -> None:
    failed = HEALTHY | {"runs": [{"status": "FAILED"}]}
    assert by_id(ops_checks(failed, OPS))["ops.failed_runs"] is Status.FAIL
    assert by_id(ops_checks(HEALTHY | {"runs": []}, OPS))["ops.failed_runs"] is Status.UNKNOWN


def test_a_value_that_is_no_number_fails() -> None:
    assert measured("x", "x", float("nan"), Bound(maximum=1.0)).status is Status.FAIL


def records(count: int = 3) -> list[dict[str, Any]]:
    """Real decision records, as the collector redacts them."""
    world = World()
    for number in range(count):
        world.customers.records[f"C{number}"] = json.dumps(serving.record_json(f"C{number}"))
        Recommender(world.ports).recommend(Request(f"C{number}", 3, ("ko", "en")))
    return [redacted(dict(row)) for row in world.decisions.records]  # type: ignore[arg-type]


def audit(rows: Any) -> dict[str, Status]:
    snapshot = {"decisions": rows}
    return by_id(audit_checks(snapshot, AUDIT, languages=serving.languages()))


def test_real_records_pass_but_for_the_one_product_on_top() -> None:
    found = audit(records())
    assert found.pop("audit.top_product") is Status.FAIL
    assert set(found.values()) == {Status.PASS}


def test_the_customer_does_not_reach_the_audit_bucket() -> None:
    text = json.dumps(records(), ensure_ascii=False)
    assert '"C0"' not in text
    assert "customer_id" not in text
    assert all(row["digest_matches"] for row in records())


def _text(row: dict[str, Any], change: Any) -> None:
    reason = row["payload"]["answer"]["recommendations"][0]["reason"]
    reason["ko"] = change(reason["ko"])


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (lambda row: row.update(version=""), "audit.versions"),
        (lambda row: row.update(model_version="other"), "audit.versions"),
        (lambda row: row["payload"]["answer"].pop("decision_id"), "audit.versions"),
        (lambda row: row["payload"]["answer"]["disclosure"].update(ko=""), "audit.disclosure"),
        (lambda row: _text(row, lambda text: text.split("이 안내")[0]), "audit.disclosure"),
        (lambda row: row.update(digest_matches=False), "audit.digest"),
        (lambda row: row.update(payload=None), "audit.faithful"),
        (lambda row: _text(row, lambda text: text.replace("34건", "35건")), "audit.faithful"),
        (lambda row: _text(row, lambda text: "연 7%입니다. " + text), "audit.faithful"),
        (lambda row: _text(row, lambda text: "무조건 좋습니다. " + text), "audit.faithful"),
        (lambda row: _text(row, lambda text: "여성이시라서 " + text), "audit.faithful"),
        (lambda row: _text(row, lambda text: "좋습니다. 이 안내는 AI가 분석하여 작성했습니다."),
         "audit.faithful"),
    ],
)  # fmt: skip
def test_each_planted_fault_of_a_record_is_found(plant: Any, check: str) -> None:
    rows = records()
    plant(rows[1])
    assert audit(rows)[check] is Status.FAIL


def test_too_many_rules_and_abstentions() -> None:
    rows = records()
    for row in rows:
        row["layer"] = "rules"
        for item in row["payload"]["answer"]["recommendations"]:
            item["reason_source"] = {"ko": "abstained", "en": "abstained"}
    found = audit(rows)
    assert found["audit.rules"] is Status.FAIL
    assert found["audit.abstained"] is Status.FAIL


def test_smoke_tests_are_not_decisions() -> None:
    rows = records()
    for row in rows:
        row["channel"] = "smoke"
    assert audit(rows)["audit.decisions"] is Status.FAIL
    assert audit(rows)["audit.faithful"] is Status.UNKNOWN


def test_an_altered_record_does_not_match_its_digest() -> None:
    world = World()
    Recommender(world.ports).recommend(Request("C1", 3, ("ko",)))
    item = {key: str(value) for key, value in world.decisions.records[0].items()}
    assert redacted(item)["digest_matches"]
    payload = json.loads(item["payload"])
    payload["answer"]["layer"] = "direct"
    altered = canonical_json(payload).decode()
    assert not redacted(item | {"payload": altered})["digest_matches"]
    spaced = json.dumps(json.loads(item["payload"]), ensure_ascii=False)
    assert digest(json.loads(spaced)) == item["payload_sha256"]
    assert not redacted(item | {"payload": spaced})["digest_matches"]
    assert not redacted({"payload": "nonsense"})["digest_matches"]


FAILED = Result("a.fail", "Latency, 95th percentile", Status.FAIL, "900 ms", "at most 500 ms")
UNKNOWN = Result("a.unknown", "Answers", Status.UNKNOWN, "not measured", "at least 1")
PASSED = Result("a.pass", "Switch", Status.PASS, "off", "off")
RESULTS = [PASSED, FAILED, UNKNOWN]


def told(*rows: tuple[str, str]) -> list[dict[str, str]]:
    reply = {"findings": [{"check": check, "text": text} for check, text in rows]}
    return narrative.findings(reply, RESULTS)


def test_a_narrative_is_filled_by_code() -> None:
    found = told(
        ("a.unknown", "Answers could not be measured."),
        ("a.fail", "Latency, 95th percentile needs attention: {value}, expected {bound}."),
    )
    assert [row["check"] for row in found] == ["a.fail", "a.unknown"]
    assert "900 ms, expected at most 500 ms" in found[0]["text"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a.fail", "It needs attention.")],
        [("a.fail", "x."), ("a.unknown", "y."), ("a.other", "z.")],
        [("a.fail", "x."), ("a.fail", "x."), ("a.unknown", "y.")],
        [("a.fail", "It took 3 s."), ("a.unknown", "y.")],
        [("a.fail", "This is fine."), ("a.unknown", "y.")],
        [("a.fail", "x."), ("a.unknown", "No problem here.")],
        [("a.fail", "x {limit}."), ("a.unknown", "y.")],
        [("a.fail", ""), ("a.unknown", "y.")],
        [("a.fail", "x" * 301), ("a.unknown", "y.")],
    ],
)
def test_a_narrative_that_may_not_be_shown(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(narrative.BadNarrative):
        told(*rows)


@pytest.mark.parametrize("reply", [{}, {"findings": None}, {"findings": ["x"]}])
def test_a_narrative_of_another_form(reply: dict[str, Any]) -> None:
    with pytest.raises(narrative.BadNarrative):
        narrative.findings(reply, RESULTS)


def test_code_tells_what_no_model_may() -> None:
    found = {row["check"]: row["text"] for row in narrative.plain_findings(RESULTS)}
    assert set(found) == {"a.fail", "a.unknown"}
    assert "900 ms" in found["a.fail"]


def test_voters_see_an_order_of_their_own_and_no_figure() -> None:
    many = [Result(f"c{number}", "t", Status.PASS, "1", "2") for number in range(8)]
    orders = {
        tuple(row["id"] for row in ballot("ops", many, vote=vote, prompt_version="1")["checks"])
        for vote in (1, 2, 3)
    }
    assert len(orders) == 3
    assert "value" not in ballot("ops", many, vote=1, prompt_version="1")["checks"][0]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"verdict": "attention", "because": ["a.fail"]}, Verdict.ATTENTION),
        ({"verdict": "healthy", "because": []}, Verdict.HEALTHY),
        ({"verdict": "urgent", "because": ["a.unknown", "a.pass"]}, Verdict.URGENT),
        ({"verdict": "attention", "because": []}, Verdict.ABSTAIN),
        ({"verdict": "attention", "because": ["a.pass"]}, Verdict.ABSTAIN),
        ({"verdict": "attention", "because": ["a.other"]}, Verdict.ABSTAIN),
        ({"verdict": "attention"}, Verdict.ABSTAIN),
        ({"verdict": "unknown", "because": []}, Verdict.ABSTAIN),
        ({"verdict": "abstain", "because": []}, Verdict.ABSTAIN),
        ({}, Verdict.ABSTAIN),
    ],
)
def test_what_counts_as_a_vote(reply: dict[str, Any], expected: Verdict) -> None:
    assert read_vote(reply, RESULTS)[0] is expected


H, A, U, X = Verdict.HEALTHY, Verdict.ATTENTION, Verdict.URGENT, Verdict.ABSTAIN


@pytest.mark.parametrize(
    ("votes", "results", "expected"),
    [
        ([H, H, A], [PASSED], H),
        ([H, H, X], [PASSED], H),
        ([H, X, X], [PASSED], Verdict.UNKNOWN),
        ([H, A, U], [PASSED], Verdict.UNKNOWN),
        ([], [PASSED], Verdict.UNKNOWN),
        ([H, H, H], [FAILED], A),
        ([U, U, H], [FAILED], U),
        ([X, X, X], [FAILED], A),
        ([H, H, H], [UNKNOWN], Verdict.UNKNOWN),
        ([H, H, H], [], Verdict.UNKNOWN),
        ([A, A, H], [PASSED], A),
    ],
)
def test_the_majority_is_counted_and_bounded(
    votes: list[Verdict], results: list[Result], expected: Verdict
) -> None:
    assert decide(votes, results, expected=3) is expected


def test_the_worst_agent_decides() -> None:
    assert worst([H, A]) is A
    assert worst([Verdict.UNKNOWN, H]) is Verdict.UNKNOWN
    assert worst([]) is Verdict.UNKNOWN


def test_the_report_names_what_is_missing() -> None:
    review = {
        "checks": [row.as_json() for row in RESULTS],
        "findings": narrative.plain_findings(RESULTS),
        "written_by": "code",
    }
    parts = [
        agent_part("ops", review, cast=[{"verdict": "healthy"}, None, None], expected=3),
        agent_part("audit", None, cast=[None] * 3, expected=3),
    ]
    snapshot = {"version": "0.1.0", "problems": [{"source": "runs", "problem": "refused | x"}]}
    report = as_json(parts, execution="e1", snapshot=snapshot)
    assert report["verdict"] == "attention"
    assert [row["verdict"] for row in report["agents"]] == ["attention", "unknown"]
    text = as_markdown(report)
    assert "no review was written" in text
    assert "| Answers | UNKNOWN | not measured | at least 1 |" in text
    assert "refused \\| x" in text
    assert text.index("UNKNOWN | not") < text.index("PASS | off")
