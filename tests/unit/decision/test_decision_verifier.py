"""The verifier passes what is right and names every planted fault."""

from typing import Any

import pytest

from lambdas.decision.drafts import Draft, NotADraft, Sentence, parse_draft
from lambdas.decision.facts import FactSheet
from lambdas.decision.reasons import rules_for
from lambdas.decision.templates import template_draft
from lambdas.decision.verifier import Fault, check_text, verify
from tests.fixtures import serving

GOOD = {
    "ko": [
        (
            "고객님의 {f1.label}이/가 {f1}으로/로 {f1.direction} 편이라는 점을 살펴 "
            "{product}을/를 안내해 드립니다.",
            ["f1"],
        ),
        ("{f2.label}이/가 {f2}으로/로 {f2.direction} 편인 점도 함께 고려했습니다.", ["f2"]),
    ],
    "en": [
        (
            "We are showing you {product} because your {f1.label} is {f1.direction}, at {f1}.",
            ["f1"],
        ),
        ("We also considered that your {f2.label} is {f2.direction}, at {f2}.", ["f2"]),
    ],
}


def draft(language: str, rows: list[tuple[str, list[str]]]) -> Draft:
    return Draft(language, tuple(Sentence(text, tuple(facts)) for text, facts in rows))


def faults(rows: Draft, *, sheet: FactSheet | None = None, **rules: Any) -> set[Fault]:
    language = serving.language(rows.language)
    settings = rules_for(
        serving.model(),
        product="saving",
        language=language,
        policy=serving.policy()["reasons"] | rules.pop("policy", {}),
        chosen=rules.pop("chosen", None),
    )
    return {row.fault for row in verify(rows, sheet=sheet or serving.sheet(), rules=settings)}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_good_draft_passes(language: str) -> None:
    assert faults(draft(language, GOOD[language])) == set()
    assert faults(draft(language, GOOD[language]), chosen=("f1", "f2")) == set()


SECOND = {
    "ko": {
        "점도 함께 고려했습니다.": {
            "점과 함께 연 7% 금리를 고려했습니다.": Fault.DIGIT,
            "점과 함께 연 ７ 금리를 고려했습니다.": Fault.DIGIT,
            "점과 함께 칠 퍼센트 금리를 고려했습니다.": Fault.NUMBER_WORD,
            "점을 고려했고 원금이 지켜집니다.": Fault.BANNED,
            "점에서 수익을 보장합니다.": Fault.BANNED,
            "점에서 손실 없이 모으실 수 있습니다.": Fault.BANNED,
            "점에서 무료로 이용하십니다.": Fault.BANNED,
            "점도 함께 고려했다.": Fault.ENDING,
            "점도 함께 고려했어요.": Fault.ENDING,
            "점과 여성 고객님이신 점을 고려했습니다.": Fault.PROTECTED,
            "점과 나이를 고려했습니다.": Fault.PROTECTED,
            "점과 골드카드도 함께 고려했습니다.": Fault.OTHER_PRODUCT,
            "점도 <b>함께</b> 고려했습니다.": Fault.MARKUP,
            "점도 https://x 함께 고려했습니다.": Fault.MARKUP,
            "점도 함께 considered 했습니다.": Fault.SCRIPT,
            "점과 지출이 낮은 점도 고려했습니다.": Fault.DIRECTION,
            "점과 거래가 줄어든 점도 고려했습니다.": Fault.DIRECTION,
            "점을 고려했습니다. 골드 예금도 있습니다.": Fault.MORE_THAN_ONE,
            "점에서 타사 예금보다 좋습니다.": Fault.BANNED,
            "점을를 함께 고려했습니다.": Fault.PARTICLE,
            "점과 함께 고객님가 좋아하십니다.": Fault.PARTICLE,
        },
    },
    "en": {
        "We also considered": {
            "We also offer 7 percent as": Fault.DIGIT,
            "We also offer seven gifts as": Fault.NUMBER_WORD,
            "We guarantee a gain as we considered": Fault.BANNED,
            "We promise high returns, we considered": Fault.BANNED,
            "This is the best choice, considering": Fault.BANNED,
            "It is free of charge, considering": Fault.BANNED,
            "As you are a woman we considered": Fault.PROTECTED,
            "At your age we considered": Fault.PROTECTED,
            "Unlike Gold Card this fits, considering": Fault.OTHER_PRODUCT,
            "It suits you. We considered": Fault.MORE_THAN_ONE,
            "It is better, considering": Fault.BANNED,
            "We *also* considered": Fault.MARKUP,
            "We 또한 considered": Fault.SCRIPT,
            "We see a lower figure and considered": Fault.DIRECTION,
            "We see it has declined and considered": Fault.DIRECTION,
        },
    },
}
PLANTED = [
    pytest.param(language, part, replacement, fault, id=f"{language}-{fault.name}-{number}")
    for language, parts in SECOND.items()
    for part, replacements in parts.items()
    for number, (replacement, fault) in enumerate(replacements.items())
]


@pytest.mark.parametrize(("language", "part", "replacement", "fault"), PLANTED)
def test_a_planted_fault_is_named(language: str, part: str, replacement: str, fault: Fault) -> None:
    rows = [GOOD[language][0], (GOOD[language][1][0].replace(part, replacement), ["f2"])]
    assert rows[1][0] != GOOD[language][1][0], "the fault was not planted"
    assert fault in faults(draft(language, rows))


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], Fault.EMPTY),
        ([("{product}을/를 안내해 드립니다.", [])], Fault.NO_FACT),
        ([("{f1.label}을/를 고려했습니다.", ["f1"])], Fault.NO_PRODUCT),
        ([("{product}의 {f9.label}을/를 고려했습니다.", ["f9"])], Fault.UNKNOWN_SLOT),
        ([("{product}의 {f1.amount}을/를 고려했습니다.", ["f1"])], Fault.MARKUP),
        ([("{product}의 {f1.label}을/를 고려했습니다.", ["f2"])], Fault.UNDECLARED_FACT),
        ([("{product}의 {f1.label}을/를 고려했습니다.", [])], Fault.UNDECLARED_FACT),
        ([("{product}의 {f3}을/를 고려했습니다.", ["f3"])], Fault.UNKNOWN_SLOT),
        ([("{product}의 {f3.direction} 점을 고려했습니다.", ["f3"])], Fault.UNKNOWN_SLOT),
        ([("{product}의 {f1.label}을 고려했습니다.", ["f1"])], Fault.PARTICLE),
        ([("{product}를 {f1.label}로 고려했습니다.", ["f1"])], Fault.PARTICLE),
        ([("{product}은 {f1}로 {f1.direction} 편입니다.", ["f1"])], Fault.PARTICLE),
    ],
)
def test_slots_and_particles(rows: list[tuple[str, list[str]]], fault: Fault) -> None:
    assert fault in faults(draft("ko", rows))


def test_a_literal_direction_that_agrees_passes() -> None:
    rows = [("거래가 늘어 {f1.label}이/가 {f1}인 점에서 {product}을/를 안내합니다.", ["f1"])]
    assert faults(draft("ko", rows)) == set()


def test_a_direction_word_needs_a_fact_with_a_direction() -> None:
    rows = [("이용이 늘어 {f3.label} 이력이 있는 점에서 {product}을/를 안내합니다.", ["f3"])]
    assert faults(draft("ko", rows)) == {Fault.DIRECTION}


def test_facts_not_chosen_and_chosen_facts_left_out() -> None:
    assert faults(draft("ko", GOOD["ko"]), chosen=("f1",)) == {Fault.UNKNOWN_SLOT}
    assert faults(draft("ko", GOOD["ko"]), chosen=("f1", "f2", "f3")) == {Fault.UNUSED_FACT}


def test_length_counts_the_rendered_text() -> None:
    assert faults(draft("ko", GOOD["ko"]), policy={"maximum_characters": 60}) == {Fault.TOO_LONG}
    found = faults(draft("ko", GOOD["ko"]), policy={"maximum_sentences": 1})
    assert found == {Fault.TOO_MANY_SENTENCES}


def test_a_text_without_its_disclosure_is_refused() -> None:
    settings = rules_for(
        serving.model(),
        product="saving",
        language=serving.language("ko"),
        policy=serving.policy()["reasons"],
    )
    assert [row.fault for row in check_text("안내해 드립니다.", settings)] == [Fault.DISCLOSURE]


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {},
        {"sentences": "x"},
        {"sentences": ["x"]},
        {"sentences": [{"text": "x"}]},
        {"sentences": [{"text": 1, "facts": []}]},
        {"sentences": [{"text": "x", "facts": [1]}]},
        {"sentences": [{"text": "x", "facts": [], "more": 1}]},
        {"sentences": [], "verdict": "ok"},
    ],
)
def test_another_form_is_no_draft(reply: Any) -> None:
    with pytest.raises(NotADraft):
        parse_draft(reply, language="ko")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_template_passes_for_every_form(language: str) -> None:
    columns = [("txn_count", 1.0), ("spend_total", 0.9), ("night_share", 0.8)]
    columns += [("hold_card", 0.7), ("diversity", 0.6), ("tenure", 0.5)]
    whole = serving.sheet(columns=columns)
    pairs = [
        (first, second) for first in whole.facts for second in whole.facts if first is not second
    ]
    assert {fact.form for fact in whole.facts} >= {"directed", "held"}
    for pair in pairs:
        rows = template_draft(pair, language=serving.language(language))
        assert faults(rows, sheet=whole) == set(), rows
