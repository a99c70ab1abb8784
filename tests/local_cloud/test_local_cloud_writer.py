"""The deterministic writer: good replies by its contract, and each planted fault as such."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.emulator.writer import FAULTS, MISBEHAVIOUR, Behaviour, write
from local_cloud.session import Cloud

FACTS = [
    {"id": "f1", "label": "잔액", "period": "", "direction": "up", "direction_word": "높은"},
    {"id": "f2", "label": "거래", "period": "", "direction": "none", "direction_word": ""},
    {"id": "f3", "label": "소득", "period": "", "direction": "down", "direction_word": "낮은"},
]


def _reason(language: str) -> dict[str, Any]:
    return {
        "task": "write_reason",
        "language": language,
        "product": {"id": "p", "name": "적금"},
        "facts": FACTS[:2],
        "max_sentences": 3,
        "max_characters": 280,
    }


def _write(request: dict[str, Any], mode: str = "") -> Any:
    return json.loads(write(json.dumps(request, ensure_ascii=False), mode))


def test_facts_are_chosen_from_the_request_only() -> None:
    request = {"task": "select_facts", "max_facts": 2, "facts": FACTS}
    assert _write(request) == {"facts": ["f1", "f2"]}


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "ko",
            [
                "고객님의 {f1.label}이/가 {f1}으로/로 {f1.direction} 편이라는 점을 살펴 "
                "{product}을/를 안내해 드립니다.",
                "{f2.label} {f2}도 함께 고려했습니다.",
            ],
        ),
        (
            "en",
            [
                "We are showing you {product} because your {f1.label} is {f1.direction}, at {f1}.",
                "We also took into account your {f2.label} of {f2}.",
            ],
        ),
    ],
)
def test_a_reason_has_figures_as_slots_and_names_its_facts(language: str, texts: list[str]) -> None:
    reply = _write(_reason(language))
    assert [row["text"] for row in reply["sentences"]] == texts
    assert [row["facts"] for row in reply["sentences"]] == [["f1"], ["f2"]]
    assert write(json.dumps(_reason(language))) == write(json.dumps(_reason(language)))


def test_a_review_says_what_failed_and_what_is_unknown() -> None:
    checks = [
        {"id": "a", "title": "Errors", "status": "PASS"},
        {"id": "b", "title": "Latency", "status": "FAIL"},
        {"id": "c", "title": "Cost", "status": "UNKNOWN"},
    ]
    findings = _write({"task": "review_narrative", "checks": checks})["findings"]
    assert [row["check"] for row in findings] == ["b", "c"]
    assert "{value}" in findings[0]["text"]
    vote = {"task": "review_vote", "checks": checks}
    assert _write(vote) == {"verdict": "attention", "because": ["b"]}
    assert _write(vote | {"checks": checks[2:]})["because"] == ["c"]
    assert _write(vote | {"checks": checks[:1]})["verdict"] == "healthy"


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", '{"task": "sing"}', '{"task": "write_reason"}']
)
def test_what_it_does_not_understand_it_answers_with_nothing(text: str) -> None:
    assert write(text) == "{}"


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("mode", MISBEHAVIOUR)
def test_every_planted_reply_differs_from_the_good_one(mode: str, language: str) -> None:
    text = json.dumps(_reason(language))
    if (mode, language) == ("wrong_particle", "en"):
        pytest.skip("English has no particles")
    assert write(text, mode) != write(text)


def test_planted_faults_come_once_each_and_in_order() -> None:
    behaviour = Behaviour()
    behaviour.plant("empty", times=2)
    behaviour.plant("throttle")
    assert [behaviour.next() for _ in range(4)] == ["empty", "empty", "throttle", ""]
    behaviour.plant("empty")
    behaviour.plant("good")
    assert behaviour.next() == ""
    with pytest.raises(LookupError, match="allowed: good"):
        behaviour.plant("sing")


def test_converse_gives_planted_replies_and_faults(cloud: Cloud) -> None:
    runtime = cloud.client("bedrock-runtime")

    def converse() -> str:
        answer = runtime.converse(
            modelId="anthropic.test",
            system=[{"text": "system"}],
            messages=[{"role": "user", "content": [{"text": json.dumps(_reason("ko"))}]}],
        )
        return str(answer["output"]["message"]["content"][0]["text"])

    good = converse()
    assert json.loads(good)["sentences"]
    cloud.command("writer", mode="made_up_number")
    assert "7.5%" in converse()
    assert converse() == good
    cloud.command("writer", mode="throttle", times=3)
    with pytest.raises(ClientError) as refused:
        converse()
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    cloud.command("writer", mode="good")
    assert converse() == good
    with pytest.raises(ValueError, match="unknown mode"):
        cloud.command("writer", mode="sing")
    assert "throttle" in FAULTS
