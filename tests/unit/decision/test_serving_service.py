"""The service: order of its steps, and the defined answer when any store fails."""

import json
from typing import Any

import pytest

from lambdas.decision.decide import Warned
from lambdas.decision.model import BadPackage
from lambdas.decision.request import Request
from lambdas.recommend.service import Outcome, Recommender, Refused
from lambdas.stores.control_items import OFF, ON, ControlState
from tests.fixtures import serving
from tests.fixtures.serving_ports import PREFIX, World

REQUEST = Request("C1", 3, ("ko", "en"))


def ask(world: World, request: Request = REQUEST, **more: Any) -> Outcome:
    return Recommender(world.ports).recommend(request, **more)


def refused(world: World, request: Request = REQUEST) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(world, request)
    return caught.value


def test_the_record_is_written_before_the_rewrites_are_ordered() -> None:
    world = World()
    outcome = ask(world)
    assert world.journal == [
        "control",
        "models",
        "customers",
        "reasons",
        "decisions",
        "rewrites",
    ]
    record = world.decisions.records[0]
    payload = json.loads(record["payload"])
    assert payload["answer"] == outcome.body
    assert record["decision_id"] == outcome.body["decision_id"]
    assert outcome.body["layer"] == "distilled"
    assert not outcome.tally.rules


def test_no_record_no_model_answer() -> None:
    world = World()
    world.decisions.broken, world.decisions.breaks_times = True, 1
    outcome = ask(world)
    assert outcome.body["layer"] == "rules"
    assert Warned.RECORD_NOT_WRITTEN in outcome.body["warnings"]
    assert outcome.tally.records_failed == 1
    assert outcome.tally.rules
    assert world.rewrites.messages == []
    assert [row["decision_id"] for row in world.decisions.records] == [outcome.body["decision_id"]]
    assert json.loads(world.decisions.records[0]["payload"])["answer"] == outcome.body


def test_no_record_at_all_no_answer() -> None:
    world = World()
    world.decisions.broken = True
    problem = refused(world)
    assert (problem.status, problem.code) == (503, "no_record")


def test_an_opted_out_customer_stays_so_when_the_record_fails_first() -> None:
    world = World()
    world.customers.records["C1"] = json.dumps(serving.record_json(consent={"opt_out": True}))
    world.decisions.broken, world.decisions.breaks_times = True, 1
    body = ask(world).body
    assert [row["product"] for row in body["recommendations"]] == ["saving", "term"]
    assert "많은 고객님들께서" in body["recommendations"][0]["reason"]["ko"]


@pytest.mark.parametrize(
    ("state", "warning"),
    [(ON, Warned.KILL_SWITCH), (None, Warned.CONTROL_UNREADABLE)],
)
def test_kill_switch_on_or_unreadable_means_rules(state: str | None, warning: Warned) -> None:
    world = World()
    world.models.last = serving.model()
    if state is None:
        world.control.broken = True
    else:
        world.control.state = ControlState(state, serving.VERSION, PREFIX)
    body = ask(world).body
    assert body["layer"] == "rules"
    assert body["warnings"] == [warning]
    assert set(body["task_layers"].values()) == {"rules"}
    assert [row["product"] for row in body["recommendations"]] == ["saving", "card", "term"]
    assert "AI" not in json.dumps(body["disclosure"])
    assert world.decisions.records


def test_no_state_and_no_model_in_memory() -> None:
    world = World()
    world.control.broken = True
    assert refused(world).code == "control_unavailable"


def test_no_model_published() -> None:
    world = World()
    world.control.state = ControlState(OFF, None, None)
    problem = refused(world)
    assert (problem.status, problem.code) == (503, "no_model")


@pytest.mark.parametrize("error", [BadPackage("altered"), None])
def test_an_unreadable_package_falls_back_to_the_last_catalogue_by_rules(
    error: Exception | None,
) -> None:
    world = World()
    world.models.error = error
    world.models.broken = error is None
    assert refused(world).code == "model_unavailable"
    world.models.last = serving.model()
    body = ask(world).body
    assert body["layer"] == "rules"
    assert body["warnings"] == [Warned.MODEL_UNREADABLE]


def test_students_that_cannot_be_used_mean_rules() -> None:
    world = World()
    world.models.model = serving.model(serving.FixedStudents({}))
    body = ask(world).body
    assert body["layer"] == "rules"
    assert Warned.STUDENTS_UNUSABLE in body["warnings"]


def test_an_unknown_customer_is_refused_or_served_by_rules_as_configured() -> None:
    unknown = Request("C9", 3, ("ko",))
    world = World()
    problem = refused(world, unknown)
    assert (problem.status, problem.code) == (404, "unknown_customer")
    assert world.decisions.records == []
    body = ask(World(unknown_customer="rules"), unknown).body
    assert body["warnings"] == [Warned.CUSTOMER_UNKNOWN, Warned.FEWER_PRODUCTS]
    assert [row["product"] for row in body["recommendations"]] == ["saving", "term"]


@pytest.mark.parametrize("text", [None, "{}", "nonsense"])
def test_an_unreadable_customer_record_means_rules_for_anybody(text: str | None) -> None:
    world = World()
    if text is None:
        world.customers.broken = True
    else:
        world.customers.records["C1"] = text
    body = ask(world).body
    assert body["layer"] == "rules"
    assert Warned.RECORD_UNREADABLE in body["warnings"]
    assert body["as_of"] is None
    assert [row["product"] for row in body["recommendations"]] == ["saving", "term"]


def test_an_opted_out_customer_is_not_profiled() -> None:
    world = World()
    world.customers.records["C1"] = json.dumps(serving.record_json(consent={"opt_out": True}))
    body = ask(world).body
    assert Warned.OPTED_OUT in body["warnings"]
    assert [row["product"] for row in body["recommendations"]] == ["saving", "term"]
    assert all(row["facts"] == [] and row["lens_shares"] == {} for row in body["recommendations"])
    assert world.rewrites.messages == []
    strict = World(opted_out="refuse")
    strict.customers.records = world.customers.records
    problem = refused(strict)
    assert (problem.status, problem.code) == (403, "opted_out")


def test_a_lost_reason_cache_costs_the_better_texts_only() -> None:
    world = World()
    world.reasons.broken = True
    body = ask(world).body
    assert body["layer"] == "distilled"
    assert body["warnings"] == [Warned.CACHE_UNREADABLE]
    assert body["recommendations"][0]["reason_source"] == {"ko": "template", "en": "template"}
    assert json.loads(world.decisions.records[0]["payload"])["answer"] == body


def test_a_lost_queue_is_counted_and_breaks_nothing() -> None:
    world = World()
    world.rewrites.broken = True
    outcome = ask(world)
    assert outcome.body["layer"] == "distilled"
    assert outcome.body["warnings"] == []
    assert outcome.tally.queue_failed == 1


def test_orders_ask_only_for_what_the_cache_lacks() -> None:
    world = World()
    ask(world)
    orders = world.rewrites.messages
    assert [row["sheet"]["product"] for row in orders] == ["saving", "card", "term"]
    assert all(row["languages"] == ["ko", "en"] for row in orders)
    first = World()
    draft = {
        "sentences": [
            {"text": "{product}은/는 {f1.label}이/가 {f1}인 점에서 안내합니다.", "facts": ["f1"]}
        ]
    }
    original = first.reasons.get_many
    first.reasons.get_many = (
        lambda keys: (  # type: ignore[method-assign]
            original(keys) | dict.fromkeys(list(keys)[:1], draft)
        )
    )
    outcome = ask(first)
    assert outcome.tally.cache_hits == 1
    assert outcome.body["recommendations"][0]["reason_source"]["ko"] == "cache"
    assert first.rewrites.messages[0]["languages"] == ["en"]


def test_a_smoke_test_reads_the_pointer_again_and_says_so() -> None:
    world = World()
    ask(world, smoke=True)
    assert world.control.fresh_reads == 1
    assert world.decisions.records[0]["channel"] == "smoke"


def test_two_customers_read_two_reasons() -> None:
    world = World()
    values = serving.record_json()["facts"] | {"txn_count": 3.0, "night_share": 0.02}
    rows = {"will_acquire_deposits": [["night_share", 0.8], ["txn_count", 0.1]]}
    other = serving.record_json("C2", facts=values, attributions=rows)
    world.customers.records["C2"] = json.dumps(other)
    one = ask(world).body["recommendations"][0]["reason"]
    two = ask(world, Request("C2", 3, ("ko", "en"))).body["recommendations"][0]["reason"]
    assert one["ko"] != two["ko"]
    assert one["en"] != two["en"]
    assert "2%로 적은" in two["ko"]
