"""The fact sheet is closed: supporting, tellable, unprotected facts, each told once."""

import dataclasses

import pytest

from lambdas.decision.facts import DOWN, NONE, UP, direction_of, parse_sheet
from lambdas.decision.numbers import Currency, render_value
from tests.fixtures import serving


def test_the_sheet_holds_what_speaks_for_the_product() -> None:
    found = serving.sheet(
        columns=[("age", 9.0), ("segment", 5.0), ("txn_count", 1.0), ("tenure", -2.0), ("x", 3.0)]
    )
    assert [fact.source["column"] for fact in found.facts] == ["txn_count"]
    fact = found.facts[0]
    assert (fact.id, fact.value, fact.direction, fact.contribution) == ("f1", 34.0, UP, 1.0)
    assert fact.source["as_of"] == "2025-12-31"
    assert fact.source["task"] == "will_acquire_deposits"


def test_a_label_with_a_protected_word_is_not_told() -> None:
    glossary = serving.serving_json()["glossary"]
    glossary["txn_count"] = glossary["txn_count"] | {"ko": "여성 의류 업종 이용"}
    model = serving.model(glossary=glossary)
    assert model.vocabulary.tellable("txn_count") is None
    assert model.vocabulary.tellable("spend_total") is not None


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        (34.0, 20.0, UP),
        (10.0, 20.0, DOWN),
        (20.5, 20.0, NONE),
        (0.0, 0.0, NONE),
        (1.0, 0.0, UP),
        (-1.0, 0.0, DOWN),
        (5.0, None, NONE),
        (5.0, float("nan"), NONE),
    ],
)
def test_direction_is_against_the_reference(
    value: float, reference: float | None, expected: str
) -> None:
    assert direction_of(value, reference, tolerance=0.05) == expected


def test_the_hash_follows_the_content() -> None:
    one = serving.sheet()
    assert one.hash == serving.sheet().hash
    fact = dataclasses.replace(one.facts[0], value=35.0)
    changed = dataclasses.replace(one, facts=(fact, *one.facts[1:]))
    assert changed.hash != one.hash
    assert dataclasses.replace(one, product="term").hash != one.hash
    assert parse_sheet(one.as_json()) == one


@pytest.mark.parametrize(
    ("value", "unit", "label", "korean", "english"),
    [
        (34.0, "count", "거래 건수", "34건", "34"),
        (3.0, "count", "이용 가맹점 수", "3개", "3"),
        (2.5, "count", "방문 횟수", "2.5회", "2.5"),
        (1234567.0, "money", "지출", "1,234,567원", "KRW 1,234,567"),
        (0.1234, "share", "비중", "12.3%", "12.3%"),
        (-0.5, "ratio", "변화율", "-50%", "-50%"),
        (12.0, "months", "기간", "12개월", "12 months"),
        (90.0, "days", "경과일", "90일", "90 days"),
    ],
)
def test_values_read_as_the_language_writes_them(
    value: float, unit: str, label: str, korean: str, english: str
) -> None:
    currency = Currency(code="KRW", minor_digits=0)
    for name, expected in (("ko", korean), ("en", english)):
        rules = serving.language(name).rules["number"]
        shown = render_value(value, unit, label=label, rules=rules, currency=currency)
        assert shown == expected


def test_minor_units_become_major() -> None:
    rules = serving.language("en").rules["number"]
    currency = Currency(code="EUR", minor_digits=2)

    def shown(value: float) -> str:
        return render_value(value, "money", label="", rules=rules, currency=currency)

    assert shown(12345.0) == "EUR 123.45"
    assert shown(123456789.0) == "EUR 1,234,568"
    with pytest.raises(ValueError, match="finite"):
        shown(float("nan"))
    with pytest.raises(ValueError, match="currency"):
        render_value(
            1.0,
            "money",
            label="",
            rules=rules,
            currency=Currency(code="XXX", minor_digits=0),
        )
