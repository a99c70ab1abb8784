"""A draft: sentences with slots, the only form in which any writer hands in a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.decision.facts import Fact, FactSheet
from lambdas.decision.korean import PAIRED, choose
from lambdas.decision.language import KOREAN, Language
from lambdas.decision.numbers import Currency, render_value, shows_value

SLOT = re.compile(r"\{([a-z][a-z0-9]*)(?:\.(label|period|direction))?\}")
PRODUCT_SLOT = "product"


@dataclass(frozen=True)
class Sentence:
    """One sentence with slots, and the ids of the facts it says it uses."""

    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """Sentences in order, in one language, without the disclosure."""

    language: str
    sentences: tuple[Sentence, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the draft as cached."""
        return {
            "language": self.language,
            "sentences": [{"text": row.text, "facts": list(row.facts)} for row in self.sentences],
        }


class NotADraft(ValueError):
    """What a writer handed in has not the form of a draft."""


def parse_draft(raw: Any, *, language: str) -> Draft:
    """Return the draft in a writer's reply `{"sentences": [{"text", "facts"}]}`.

    Raises:
        NotADraft: another form, an unknown key, or a value of another type.
    """
    if not isinstance(raw, Mapping) or set(raw) - {"language"} != {"sentences"}:
        raise NotADraft("the reply is not an object with the one key 'sentences'")
    rows = raw["sentences"]
    if not isinstance(rows, list):
        raise NotADraft("'sentences' is not a list")
    sentences = []
    for row in rows:
        if not isinstance(row, Mapping) or set(row) != {"text", "facts"}:
            raise NotADraft("a sentence is not an object with the keys 'text' and 'facts'")
        text, facts = row["text"], row["facts"]
        if not isinstance(text, str) or not isinstance(facts, list):
            raise NotADraft("'text' is not a string or 'facts' is not a list")
        if not all(isinstance(item, str) for item in facts):
            raise NotADraft("'facts' holds something that is not a string")
        sentences.append(Sentence(text.strip(), tuple(facts)))
    return Draft(language, tuple(sentences))


class Unrenderable(ValueError):
    """A slot names nothing that is in the sheet, or a value that cannot be shown."""


@dataclass(frozen=True)
class Piece:
    """A part of a rendered sentence; `slot` is empty for the writer's own words."""

    text: str
    slot: str


def _slot_text(
    name: str, part: str | None, *, sheet: FactSheet, language: Language, currency: Currency
) -> str:
    if name == PRODUCT_SLOT and part is None:
        return sheet.names[language.name]
    fact: Fact | None = sheet.fact(name)
    if fact is None:
        raise Unrenderable(f"slot '{name}' names no fact of the sheet")
    if part is None:
        if not shows_value(fact.unit):
            raise Unrenderable(f"the value of fact '{name}' ({fact.unit}) is not shown")
        return render_value(
            fact.value,
            fact.unit,
            label=fact.labels[language.name],
            rules=language.rules["number"],
            currency=currency,
        )
    source = {"label": fact.labels, "period": fact.periods, "direction": fact.directions}[part]
    text = source.get(language.name, "")
    if not text:
        raise Unrenderable(f"fact '{name}' has no {part}")
    return text


def pieces(
    sentence: Sentence, *, sheet: FactSheet, language: Language, currency: Currency
) -> list[Piece]:
    """Fill the slots of a sentence; Korean paired particles take the form that fits.

    Raises:
        Unrenderable: a slot names nothing that may be shown.
    """
    found: list[Piece] = []
    position = 0
    for match in SLOT.finditer(sentence.text):
        found.append(Piece(sentence.text[position : match.start()], ""))
        text = _slot_text(match[1], match[2], sheet=sheet, language=language, currency=currency)
        found.append(Piece(text, match[0]))
        position = match.end()
    found.append(Piece(sentence.text[position:], ""))
    if language.name != KOREAN:
        return [piece for piece in found if piece.text]
    return [piece for piece in _with_particles(found) if piece.text]


def _with_particles(found: list[Piece]) -> list[Piece]:
    before = ""
    settled = []
    for piece in found:
        text = piece.text
        if not piece.slot:
            text = _choose_particles(text, before)
        settled.append(Piece(text, piece.slot))
        before += text
    return settled


def _choose_particles(text: str, before: str) -> str:
    """Replace each paired particle by the form that fits the word before it."""
    written = ""
    position = 0
    for match in PAIRED.finditer(text):
        written += text[position : match.start()]
        written += choose(match[1], before + written)
        position = match.end()
    return written + text[position:]


def render(draft: Draft, *, sheet: FactSheet, language: Language, currency: Currency) -> str:
    """Return the finished text: all sentences, then the disclosure.

    Raises:
        Unrenderable: a slot names nothing that may be shown.
    """
    sentences = [
        "".join(
            piece.text for piece in pieces(row, sheet=sheet, language=language, currency=currency)
        )
        for row in draft.sentences
    ]
    return " ".join([*sentences, language.disclosure])
