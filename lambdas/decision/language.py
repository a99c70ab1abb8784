"""The rules of one language, compiled once: words, sentences, endings, numbers."""

import re
from dataclasses import dataclass
from typing import TypedDict

from lambdas.decision.numbers import NumberRules

FORMS = ("directed", "plain", "worded", "held", "not_held")
KOREAN = "ko"
HANGUL = re.compile(r"[가-힣]")


class DirectionWords(TypedDict):
    """Stems or words that claim up or down."""

    up: list[str]
    down: list[str]


class Templates(TypedDict):
    """Sentences by form; the first one names the product."""

    first: dict[str, str]
    later: dict[str, str]


class LanguageRules(TypedDict):
    """One language as bundled."""

    language: str
    disclosure: str
    rules_disclosure: str
    endings: list[str]
    number: NumberRules
    period_phrase: str
    templates: Templates
    rules_reason: str
    popular_reason: str
    abstained: str
    direction_words: DirectionWords
    banned: list[str]
    protected: list[str]
    number_words: list[str]


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.IGNORECASE)


@dataclass(frozen=True)
class Language:
    """One language, ready for use.

    Attributes:
        directions: direction (`up`, `down`) -> pattern of the words that claim it.
    """

    name: str
    rules: LanguageRules
    banned: re.Pattern[str]
    protected: re.Pattern[str]
    number_words: re.Pattern[str]
    directions: dict[str, re.Pattern[str]]

    @property
    def disclosure(self) -> str:
        """The sentence that says that AI made the text."""
        return self.rules["disclosure"]


def compile_language(rules: LanguageRules) -> Language:
    """Return the language with its patterns compiled.

    Korean direction words are stems that may stand anywhere in a word's beginning; those of
    other languages are whole words.
    """
    korean = rules["language"] == KOREAN

    def words(stems: list[str]) -> re.Pattern[str]:
        joined = "|".join(re.escape(stem) for stem in stems)
        return re.compile(rf"(?<![가-힣])(?:{joined})" if korean else rf"\b(?:{joined})\b", re.I)

    return Language(
        name=rules["language"],
        rules=rules,
        banned=_any_of(rules["banned"]),
        protected=_any_of(rules["protected"]),
        number_words=_any_of(rules["number_words"]),
        directions={
            "up": words(rules["direction_words"]["up"]),
            "down": words(rules["direction_words"]["down"]),
        },
    )
