"""Is a reason that was given still what its facts say? An independent reading of finished texts.

It does not use the verifier's slots: it takes everything the facts account for out of the text,
and what remains may hold no number, no promise and no protected word.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from lambdas.decision.language import Language
from lambdas.decision.numbers import Currency, render_value, shows_value

GROUNDED = ("cache", "template")


def _accounted(
    fact: Mapping[str, Any], language: Language, currency: Currency
) -> tuple[str, list[str]]:
    """Return a fact's label, and every text of it that may stand in a reason."""
    label = str(fact["label"][language.name])
    texts = [label, str(fact["direction_word"].get(language.name, ""))]
    texts.append(str((fact.get("period") or {}).get(language.name, "")))
    if shows_value(str(fact["unit"])):
        shown = render_value(
            float(fact["value"]),
            str(fact["unit"]),
            label=label,
            rules=language.rules["number"],
            currency=currency,
        )
        texts.append(shown)
    return label, [text for text in texts if text]


def faithful(recommendation: Mapping[str, Any], *, language: Language, currency: Currency) -> bool:
    """Tell whether one recommendation's reason in one language rests on its facts alone.

    Raises:
        KeyError, ValueError: the recommendation has not the form of an answer's.
    """
    text = str(recommendation["reason"][language.name])
    grounded = recommendation["reason_source"][language.name] in GROUNDED
    closing = language.rules["disclosure"]
    if not text.endswith((closing, language.rules["rules_disclosure"])):
        return False
    rest = text.replace(closing, " ").replace(language.rules["rules_disclosure"], " ")
    allowed = [str(recommendation["names"][language.name])]
    told = False
    if grounded:
        for fact in recommendation["facts"]:
            label, texts = _accounted(fact, language, currency)
            told = told or label in text
            allowed.extend(texts)
    for part in sorted(allowed, key=len, reverse=True):
        rest = rest.replace(part, " ")
    if grounded and not told:
        return False
    if any(unicodedata.category(sign).startswith("N") for sign in rest):
        return False
    patterns = (language.banned, language.protected, language.number_words)
    return not any(pattern.search(rest) for pattern in patterns)
