"""The deterministic verifier: what every reason passes before it is cached or shown.

It reads a draft (sentences with slots) against the fact sheet it was written from, and the text
that the draft renders to. It knows no writer: templates, language models and the cache all come
through here.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from lambdas.decision import korean
from lambdas.decision.drafts import (
    PRODUCT_SLOT,
    SLOT,
    Draft,
    Piece,
    Sentence,
    Unrenderable,
    pieces,
    render,
)
from lambdas.decision.facts import NONE, FactSheet
from lambdas.decision.language import HANGUL, KOREAN, Language
from lambdas.decision.numbers import Currency

MARKUP = re.compile(r"[<>\[\]`*_#|\\{}]|https?:|www\.|[\r\n\t]")
OBJECT_AFTER_CONSONANT = re.compile(r"([가-힣])를(?=[\s.,]|$)")
ADDRESSED = re.compile(r"고객님(가|는|를|와|로)(?=[\s.,]|$)")
INNER_END = re.compile(r"[.!?。！？]\s+\S")
LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


class Fault(StrEnum):
    """Everything a text can be refused for."""

    EMPTY = "no sentence"
    TOO_MANY_SENTENCES = "too many sentences"
    TOO_LONG = "too long"
    UNKNOWN_SLOT = "a slot names nothing that may be shown"
    UNDECLARED_FACT = "the facts declared are not the facts used"
    UNUSED_FACT = "a chosen fact is not used"
    NO_FACT = "a sentence rests on no fact"
    DIGIT = "a number outside of a slot"
    NUMBER_WORD = "a quantity written as a word"
    DIRECTION = "a direction word disagrees with the fact"
    NO_PRODUCT = "the product is not named"
    OTHER_PRODUCT = "another product is named"
    BANNED = "a promise or urgency that is not allowed"
    PROTECTED = "a protected attribute"
    MORE_THAN_ONE = "an entry holds more than one sentence"
    ENDING = "a sentence does not end as the style demands"
    PARTICLE = "a particle has the wrong form"
    MARKUP = "markup, a link or a control character"
    SCRIPT = "words of another language"
    DISCLOSURE = "the disclosure is missing"


@dataclass(frozen=True)
class Finding:
    """One fault and the place: sentence number from 1, 0 for the whole text."""

    fault: Fault
    sentence: int


@dataclass(frozen=True)
class Rules:
    """What the verifier needs besides draft and sheet.

    Attributes:
        other_names: names, in the text's language, of all catalogue products but the sheet's.
        chosen: ids of the facts the writer was given; None when it could use any of the sheet.
    """

    language: Language
    currency: Currency
    other_names: frozenset[str]
    maximum_sentences: int
    maximum_characters: int
    chosen: tuple[str, ...] | None = None


def _slots(sentence: Sentence) -> list[str]:
    return [match[1] for match in SLOT.finditer(sentence.text)]


def _literal(sentence: Sentence) -> str:
    """The writer's own words: slots replaced by a blank, which no word crosses."""
    return SLOT.sub(" ", sentence.text)


def _words(sentence: Sentence, rules: Rules) -> Iterable[Fault]:
    literal = _literal(sentence)
    if any(unicodedata.category(sign) in ("Nd", "Nl", "No") for sign in literal):
        yield Fault.DIGIT
    if rules.language.number_words.search(literal):
        yield Fault.NUMBER_WORD
    if rules.language.banned.search(literal):
        yield Fault.BANNED
    if MARKUP.search(literal):
        yield Fault.MARKUP
    if not sentence.text.endswith(tuple(rules.language.rules["endings"])):
        yield Fault.ENDING
    if INNER_END.search(sentence.text.rstrip()):
        yield Fault.MORE_THAN_ONE
    foreign = LATIN_WORD if rules.language.name == KOREAN else HANGUL
    if foreign.search(literal):
        yield Fault.SCRIPT


def _facts(sentence: Sentence, sheet: FactSheet, rules: Rules) -> Iterable[Fault]:
    used = {name for name in _slots(sentence) if name != PRODUCT_SLOT}
    if used != set(sentence.facts) or len(set(sentence.facts)) != len(sentence.facts):
        yield Fault.UNDECLARED_FACT
    if not used:
        yield Fault.NO_FACT
    if rules.chosen is not None and not used <= set(rules.chosen):
        yield Fault.UNKNOWN_SLOT
    told = {fact.direction for name in used if (fact := sheet.fact(name)) is not None}
    literal = _literal(sentence)
    for direction, pattern in rules.language.directions.items():
        if pattern.search(literal) and told - {NONE} != {direction}:
            yield Fault.DIRECTION


def _particles(found: list[Piece], rules: Rules) -> Iterable[Fault]:
    if rules.language.name != KOREAN:
        return
    text = "".join(piece.text for piece in found)
    for match in OBJECT_AFTER_CONSONANT.finditer(text):
        if korean.ending(match[1]) is not korean.Ending.OPEN:
            yield Fault.PARTICLE
    if ADDRESSED.search(text):
        yield Fault.PARTICLE
    for before, after in pairwise(found):
        if before.slot and not after.slot:
            particle = korean.SINGLE.match(after.text)
            if particle and not korean.agrees(particle[1], before.text):
                yield Fault.PARTICLE


def _sentence(sentence: Sentence, sheet: FactSheet, rules: Rules) -> list[Fault]:
    faults = [*_words(sentence, rules), *_facts(sentence, sheet, rules)]
    try:
        found = pieces(sentence, sheet=sheet, language=rules.language, currency=rules.currency)
    except Unrenderable:
        return [*faults, Fault.UNKNOWN_SLOT]
    faults.extend(_particles(found, rules))
    told = "".join(piece.text for piece in found if piece.slot != f"{{{PRODUCT_SLOT}}}")
    if rules.language.protected.search(told):
        faults.append(Fault.PROTECTED)
    if any(name in _literal(sentence) for name in rules.other_names):
        faults.append(Fault.OTHER_PRODUCT)
    return faults


def check_text(text: str, rules: Rules) -> list[Finding]:
    """Check what can be seen in a finished text alone: its length and its disclosure."""
    findings = []
    if not text.endswith(rules.language.disclosure):
        findings.append(Finding(Fault.DISCLOSURE, 0))
    if len(text) > rules.maximum_characters:
        findings.append(Finding(Fault.TOO_LONG, 0))
    return findings


def verify(draft: Draft, *, sheet: FactSheet, rules: Rules) -> list[Finding]:
    """Return every fault of a draft; an empty list means that it may be shown."""
    findings: list[Finding] = []
    if not draft.sentences:
        findings.append(Finding(Fault.EMPTY, 0))
    if len(draft.sentences) > rules.maximum_sentences:
        findings.append(Finding(Fault.TOO_MANY_SENTENCES, 0))
    used: set[str] = set()
    for number, sentence in enumerate(draft.sentences, start=1):
        faults = dict.fromkeys(_sentence(sentence, sheet, rules))
        findings.extend(Finding(fault, number) for fault in faults)
        used.update(_slots(sentence))
    if draft.sentences and PRODUCT_SLOT not in used:
        findings.append(Finding(Fault.NO_PRODUCT, 0))
    if rules.chosen is not None and not set(rules.chosen) <= used:
        findings.append(Finding(Fault.UNUSED_FACT, 0))
    if findings:
        return findings
    text = render(draft, sheet=sheet, language=rules.language, currency=rules.currency)
    return check_text(text, rules)
