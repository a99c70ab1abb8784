"""Particles follow the sound a word ends in."""

import pytest

from lambdas.decision.korean import Ending, agrees, choose, ending


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("적금", Ending.CLOSED),
        ("카드", Ending.OPEN),
        ("대출", Ending.RIEUL),
        ("0", Ending.CLOSED),
        ("1", Ending.RIEUL),
        ("2", Ending.OPEN),
        ("3", Ending.CLOSED),
        ("4", Ending.OPEN),
        ("5", Ending.OPEN),
        ("6", Ending.CLOSED),
        ("7", Ending.RIEUL),
        ("8", Ending.RIEUL),
        ("9", Ending.OPEN),
        ("10", Ending.CLOSED),
        ("12.5%", Ending.OPEN),
        ("펀드(ETF)", Ending.OPEN),
        ("'연금'", Ending.CLOSED),
        ("IRP", Ending.OPEN),
        ("ISA플랜", Ending.CLOSED),
        ("ARM", Ending.CLOSED),
        ("URL", Ending.RIEUL),
        ("→", Ending.UNKNOWN),
        ("", Ending.UNKNOWN),
    ],
)
def test_ending_is_how_the_word_sounds(word: str, expected: Ending) -> None:
    assert ending(word) is expected


@pytest.mark.parametrize(
    ("pair", "closed", "opened", "rieul"),
    [
        ("은/는", "은", "는", "은"),
        ("이/가", "이", "가", "이"),
        ("을/를", "을", "를", "을"),
        ("과/와", "과", "와", "과"),
        ("으로/로", "으로", "로", "로"),
    ],
)
def test_each_pair_by_ending(pair: str, closed: str, opened: str, rieul: str) -> None:
    chosen = choose(pair, "적금"), choose(pair, "카드"), choose(pair, "대출")
    assert chosen == (closed, opened, rieul)
    for word, right in (("적금", closed), ("카드", opened), ("대출", rieul)):
        assert agrees(right, word)
        wrong = ({closed, opened} - {right}).pop()
        assert not agrees(wrong, word), f"{word}{wrong} must not pass"


def test_an_unknown_ending_keeps_both_forms() -> None:
    assert choose("을/를", "→") == "을(를)"
    assert choose("으로/로", "→") == "(으)로"
