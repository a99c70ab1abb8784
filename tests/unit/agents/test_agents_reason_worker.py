"""Rewriting: only what passes verifier and guardrail is cached; everything else changes nothing."""

import json
from typing import Any

import pytest

from lambdas.decision.reasons import cache_key
from lambdas.reason_worker import handler as entry
from lambdas.reason_worker.order import BadOrder, parse_order
from lambdas.stores.bounded import StoreUnavailable
from lambdas.stores.control_items import OFF, ON, ControlState
from tests.fixtures import serving
from tests.fixtures.reason_orders import Bench, message, order
from tests.fixtures.serving_ports import PREFIX

SENTENCES = {
    "ko": "{product}은/는 고객님의 {f1.label}이/가 {f1}인 점에서 안내해 드리는 상품입니다.",
    "en": "Because your {f1.label} is {f1.direction}, at {f1}, {product} may suit you.",
}


def good(document: dict[str, Any], _call: int) -> dict[str, Any]:
    if document["task"] == "select_facts":
        return {"facts": ["f1"]}
    return {"sentences": [{"text": SENTENCES[document["language"]], "facts": ["f1"]}]}


def key(language: str) -> str:
    return cache_key(
        customer="C1",
        model_version=serving.VERSION,
        sheet=serving.sheet(),
        prompt_version="1",
        language=language,
    )


def test_a_good_text_is_cached_under_its_key_in_both_languages() -> None:
    bench = Bench(good)
    result = bench.worker.work(order())
    assert (result.written, result.refused, result.present) == (2, 0, 0)
    assert set(bench.cache.kept) == {key("ko"), key("en")}
    assert bench.cache.kept[key("ko")]["sentences"][0]["text"] == SENTENCES["ko"]
    assert bench.guardrail.texts[0].startswith("정기적금은 고객님의 거래 건수가 34건인 점에서")
    assert bench.guardrail.texts[0].endswith("이 안내는 AI가 분석하여 작성했습니다.")
    assert bench.cache.origins[0]["sheet_hash"] == serving.sheet().hash


def test_no_figure_and_no_customer_leaves_to_the_model() -> None:
    bench = Bench(good)
    bench.worker.work(order())
    for prompt, document, budget in bench.writer.asked:
        text = json.dumps(document, ensure_ascii=False)
        assert "C1" not in text
        assert "34" not in text.replace("last 12", "").replace("최근 12", "")
        assert "value" not in document["facts"][0]
        assert "JSON" in prompt
        assert budget.max_tokens <= 600
        assert budget.attempts >= 1


def test_what_is_cached_already_is_not_written_again() -> None:
    bench = Bench(good)
    bench.worker.work(order())
    asked = len(bench.writer.asked)
    assert bench.worker.work(order()).present == 2
    assert len(bench.writer.asked) == asked


@pytest.mark.parametrize(
    "chosen",
    [["f9"], [], ["f1", "f1"], ["f1", "f2", "f3"], "f1", [1], None, {"f1": 1}],
)
def test_a_choice_outside_of_the_sheet_gives_way_to_the_strongest(chosen: Any) -> None:
    told: list[list[str]] = []

    def reply(document: dict[str, Any], _call: int) -> Any:
        if document["task"] == "select_facts":
            return {"facts": chosen}
        told.append([row["id"] for row in document["facts"]])
        return {"sentences": []}

    Bench(reply).worker.work(order(languages=["ko"]))
    assert told[0] == ["f1", "f2"]


def test_the_choice_is_all_the_writer_sees() -> None:
    told: list[list[str]] = []

    def reply(document: dict[str, Any], call: int) -> Any:
        if document["task"] == "select_facts":
            assert [row["id"] for row in document["facts"]] == ["f1", "f2", "f3"]
            return {"facts": ["f2"]}
        told.append([row["id"] for row in document["facts"]])
        text = SENTENCES[document["language"]].replace("f1", "f2")
        return {"sentences": [{"text": text, "facts": ["f2"]}]}

    assert Bench(reply).worker.work(order()).written == 2
    assert told == [["f2"], ["f2"]]


def test_rank_mode_calls_no_selector() -> None:
    bench = Bench(good)
    bench.worker._ports.agents["reasons"]["select"]["mode"] = "rank"
    bench.worker.work(order())
    assert {document["task"] for _, document, _ in bench.writer.asked} == {"write_reason"}


def test_a_refused_text_is_tried_again_then_left() -> None:
    bad = {"sentences": [{"text": "{product}은/는 연 7% 보장합니다.", "facts": []}]}

    def stubborn(document: dict[str, Any], _call: int) -> Any:
        return {"facts": ["f1"]} if document["task"] == "select_facts" else bad

    bench = Bench(stubborn)
    result = bench.worker.work(order(languages=["ko"]))
    assert (result.written, result.refused) == (0, 1)
    assert {"DIGIT", "BANNED", "NO_FACT"} <= set(result.why)
    assert bench.cache.kept == {}
    tasks = [document["task"] for _, document, _ in bench.writer.asked]
    assert tasks == ["select_facts", "write_reason", "write_reason"]

    def repentant(document: dict[str, Any], call: int) -> Any:
        return bad if call == 2 else good(document, call)

    assert Bench(repentant).worker.work(order(languages=["ko"])).written == 1


def test_the_guardrail_has_the_last_word() -> None:
    blocked = Bench(good, verdict=False)
    result = blocked.worker.work(order())
    assert (result.written, result.refused, result.why) == (0, 2, ("GUARDRAIL",))
    assert blocked.cache.kept == {}
    silent = Bench(good, verdict=None)
    with pytest.raises(StoreUnavailable):
        silent.worker.work(order())
    assert silent.cache.kept == {}


def test_a_model_that_does_not_answer_leaves_the_order_in_the_queue() -> None:
    down = StoreUnavailable("down", remedy="wait")
    bench = Bench(lambda document, call: down)
    with pytest.raises(StoreUnavailable):
        bench.worker.work(order())


@pytest.mark.parametrize(
    ("state", "skipped"),
    [
        (ControlState(ON, serving.VERSION, PREFIX), "kill_switch"),
        (ControlState(OFF, "another", PREFIX), "another_model_serves"),
        (ControlState(OFF, None, None), "another_model_serves"),
    ],
)
def test_orders_that_are_no_longer_wanted(state: ControlState, skipped: str) -> None:
    bench = Bench(good)
    bench.control.state = state
    assert bench.worker.work(order()).skipped == skipped
    assert bench.writer.asked == []


def test_an_unreadable_kill_switch_stops_the_worker() -> None:
    bench = Bench(good)
    bench.control.broken = True
    with pytest.raises(StoreUnavailable):
        bench.worker.work(order())
    assert bench.writer.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"sheet_hash": "0" * 64},
        {"sheet": {}},
        {"sheet": None},
        {"languages": []},
        {"languages": None},
        {"customer_id": ...},
    ],
)
def test_an_order_that_is_none(change: dict[str, Any]) -> None:
    raw = message(**change)
    if change.get("customer_id") is ...:
        del raw["customer_id"]
    with pytest.raises(BadOrder):
        parse_order(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", "null", "{"])
def test_a_message_that_is_none(text: str) -> None:
    with pytest.raises(BadOrder):
        parse_order(text)


def test_an_order_for_what_does_not_exist() -> None:
    with pytest.raises(BadOrder):
        Bench(good).worker.work(order(languages=["fr"]))
    stranger = serving.sheet()
    stranger = type(stranger)("unknown", stranger.names, stranger.facts)
    with pytest.raises(BadOrder):
        Bench(good).worker.work(order(stranger))


def test_one_bad_item_fails_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(good)
    monkeypatch.setattr(entry, "worker", lambda: bench.worker)
    bodies = [json.dumps(message()), "nonsense", json.dumps(message(customer_id="C2"))]
    event = {
        "Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]
    }
    answer = entry.handler(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(bench.cache.kept) == 4
    metrics = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert metrics["ReasonRewrites"] == [2.0, 2.0]
    assert metrics["service"] == "reason_worker"


def test_a_lost_store_fails_its_item(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(good, verdict=None)
    monkeypatch.setattr(entry, "worker", lambda: bench.worker)
    event = {"Records": [{"messageId": "m0", "body": json.dumps(message())}]}
    assert entry.handler(event, None) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
