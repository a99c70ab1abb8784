"""The plan: layers by task and product, constraints, fact sheets, texts, fail-closed records."""

import json
from datetime import date
from typing import Any

import pytest

from lambdas.decision.catalogue import UNKNOWN_PERSON
from lambdas.decision.decide import (
    Layer,
    Plan,
    Warned,
    plan_model,
    plan_rules,
    write_reasons,
)
from lambdas.decision.model import BadPackage, ServingModel
from lambdas.decision.reasons import Source, cache_key
from lambdas.decision.record import BadRecord, CustomerRecord, parse_record
from lambdas.decision.request import Request
from tests.fixtures import serving

TODAY = date(2026, 1, 15)
REQUEST = Request("C1", 3, ("ko", "en"))


def record(**changes: Any) -> CustomerRecord:
    text = json.dumps(serving.record_json(**changes))
    return parse_record(text, inputs=len(serving.INPUTS), version=serving.VERSION)


def plan(model: ServingModel | None = None, request: Request = REQUEST, **changes: Any) -> Plan:
    return plan_model(
        model or serving.model(),
        record(**changes),
        request=request,
        policy=serving.policy(),
        today=TODAY,
    )


def products(found: Plan) -> list[str]:
    return [item.product.id for item in found.items]


def test_products_are_ranked_and_constrained() -> None:
    found = plan()
    assert products(found) == ["saving", "card", "term"]
    assert found.excluded == {"owned": 1, "risk": 1, "segment": 1}
    assert found.layer is Layer.DISTILLED
    assert found.task_layers["will_acquire_investments"] == "direct"
    assert found.warnings == ()


def test_places_no_task_fills_are_filled_by_the_rules() -> None:
    tasks = [row for row in serving.serving_json()["tasks"] if row["product_group"] == "payments"]
    found = plan(serving.model(tasks=tasks))
    assert [(item.product.id, item.layer.value) for item in found.items] == [
        ("card", "distilled"),
        ("saving", "rules"),
        ("term", "rules"),
    ]
    assert found.layer is Layer.DISTILLED
    assert reasons(found)[1]["ko"].source is Source.RULES


def test_tasks_that_are_about_no_product_leave_the_list_to_the_rules() -> None:
    tasks = [row for row in serving.serving_json()["tasks"] if row["name"] == "cross_sell_count"]
    found = plan(serving.model(tasks=tasks))
    assert found.layer is Layer.RULES
    assert Warned.NO_PRODUCT_TASK in found.warnings
    assert products(found) == ["saving", "card", "term"]
    assert found.task_layers == {"cross_sell_count": "distilled"}


def test_a_recorded_risk_grade_opens_riskier_products() -> None:
    attributes = serving.record_json()["attributes"] | {"risk_grade": 4}
    found = plan(attributes=attributes)
    assert products(found)[0] == "fund"
    assert found.items[0].sheet is not None
    assert [fact.source["column"] for fact in found.items[0].sheet.facts] == ["spend_total"]


def test_attributions_of_another_class_are_no_evidence() -> None:
    attributions = {
        "nba_primary": [["tenure", 5.0]],
        "nba_primary:deposits": [["diversity", 5.0]],
        "nba_primary:payments": [["spend_total", 5.0]],
    }
    told = {
        item.product.id: [fact.source["column"] for fact in item.sheet.facts]
        for item in plan(attributions=attributions).items
        if item.sheet is not None
    }
    assert told == {"saving": ["diversity"], "term": ["diversity"], "card": ["spend_total"]}


def test_lens_shares_come_from_the_record_and_sum_to_one() -> None:
    for item in plan().items:
        assert sum(item.shares.values()) == pytest.approx(1.0)
        assert set(item.shares) == {"deepfm", "temporal"}


def test_a_student_without_a_usable_score_falls_to_its_baseline() -> None:
    scores = serving.SCORES | {"will_acquire_deposits": float("nan")}
    found = plan(serving.model(serving.FixedStudents(scores)))
    assert found.task_layers["will_acquire_deposits"] == "rules"
    assert Warned.TASK_SCORE_UNUSABLE in found.warnings
    deposits = next(item for item in found.items if item.product.group == "deposits")
    assert {part.task: part.value for part in deposits.ranked.parts}[
        "will_acquire_deposits"
    ] == pytest.approx(0.06)
    assert deposits.sheet is not None
    assert all(fact.source["task"] != "will_acquire_deposits" for fact in deposits.sheet.facts)


@pytest.mark.parametrize("scores", [{}, {name: float("inf") for name in serving.SCORES}])
def test_without_any_score_the_rules_answer(scores: dict) -> None:
    found = plan(serving.model(serving.FixedStudents(scores)))
    assert found.layer is Layer.RULES
    assert Warned.STUDENTS_UNUSABLE in found.warnings
    assert products(found) == ["saving", "card", "term"]
    assert all(item.sheet is None and item.layer is Layer.RULES for item in found.items)


def test_rules_for_somebody_unknown_hold_to_unconditional_products() -> None:
    found = plan_rules(
        serving.model(), UNKNOWN_PERSON, request=REQUEST, policy=serving.policy(), warnings=()
    )
    assert products(found) == ["saving", "term"]
    assert not found.by_segment
    assert Warned.FEWER_PRODUCTS in found.warnings


def test_nothing_to_offer_is_a_case_for_a_person() -> None:
    every = [row["product"] for row in serving.catalogue_json()["products"]]
    person = record(owned=every).person(TODAY)
    found = plan_rules(
        serving.model(), person, request=REQUEST, policy=serving.policy(), warnings=()
    )
    assert found.layer is Layer.HUMAN
    assert plan(owned=every).layer is Layer.HUMAN


def reasons(found: Plan, cached: dict | None = None) -> list[dict]:
    return [
        write_reasons(
            item,
            plan=found,
            model=serving.model(),
            languages=list(serving.languages().values()),
            policy=serving.policy(),
            cached=cached or {},
        )
        for item in found.items
    ]


def test_reasons_are_written_from_the_facts_in_both_languages() -> None:
    texts = reasons(plan())
    assert texts[0]["ko"].text == (
        "고객님의 최근 12개월 거래 건수가 34건으로 많은 편이라는 점을 살펴 정기적금을 안내해 "
        "드립니다. 최근 12개월 야간 거래 비중이 25%로 많은 편인 점도 함께 고려했습니다. "
        "이 안내는 AI가 분석하여 작성했습니다."
    )
    assert texts[0]["en"].text == (
        "We are showing you Instalment Savings because your number of transactions in the last "
        "12 months is more than usual, at 34. We also took into account that your share of night "
        "transactions in the last 12 months is more than usual, at 25%. This message was analysed "
        "and written by AI."
    )
    assert all(row.source is Source.TEMPLATE for text in texts for row in text.values())


def test_a_cached_draft_is_shown_only_if_it_still_passes() -> None:
    good = {
        "sentences": [
            {"text": "{product}은/는 {f1.label}이/가 {f1}인 점에서 안내합니다.", "facts": ["f1"]}
        ]
    }
    bad = {"sentences": [{"text": "{product}은/는 연 7% 보장합니다.", "facts": []}]}
    cached = reasons(plan(), {"ko": good, "en": bad})[0]
    assert cached["ko"].source is Source.CACHE
    assert cached["ko"].text.startswith("정기적금은 거래 건수가 34건인 점에서 안내합니다.")
    assert cached["en"].source is Source.TEMPLATE
    assert reasons(plan(), {"ko": "nonsense"})[0]["ko"].source is Source.TEMPLATE


def test_without_facts_no_reason_is_claimed() -> None:
    found = plan(attributions={task: [] for task in serving.SCORES})
    for text in reasons(found):
        assert text["ko"].source is Source.ABSTAINED
        assert "근거가 충분하지 않아" in text["ko"].text


def test_rule_reasons_do_not_claim_to_be_ai() -> None:
    model = serving.model(serving.FixedStudents({}))
    text = reasons(plan(model))[0]
    assert text["ko"].source is Source.RULES
    assert "AI" not in text["ko"].text + text["en"].text


@pytest.mark.parametrize(
    "change",
    [
        {"features": "!!"},
        {"features": ""},
        {"model_version": "other"},
        {"as_of": "yesterday"},
        {"consent": {}},
        {"consent": None},
        {"owned": None},
        {"shares": {"a": ["x"]}},
        {"attributes": {"age": "old"}},
    ],
)
def test_a_record_that_cannot_be_read_is_refused(change: dict) -> None:
    with pytest.raises(BadRecord):
        record(**change)


def test_record_that_is_not_json() -> None:
    for text in ("", "[]", "null", "{"):
        with pytest.raises(BadRecord):
            parse_record(text, inputs=7, version=serving.VERSION)


@pytest.mark.parametrize("key", sorted(serving.serving_json()))
def test_a_package_without_a_needed_part_is_refused(key: str) -> None:
    with pytest.raises(BadPackage):
        serving.model(**{key: None})


def test_the_cache_key_separates_everything() -> None:
    base = {
        "customer": "C1",
        "model_version": "1",
        "sheet": serving.sheet(),
        "prompt_version": "1",
        "language": "ko",
    }
    changes = {
        "customer": "C2",
        "model_version": "2",
        "sheet": serving.sheet("term"),
        "prompt_version": "2",
        "language": "en",
    }
    keys = {cache_key(**base)} | {cache_key(**base | {key: changes[key]}) for key in base}
    assert len(keys) == 6
