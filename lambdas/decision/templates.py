"""Template reasons: sentences chosen by the facts, so two customers read two reasons."""

import re
from collections.abc import Sequence

from lambdas.decision.drafts import Draft, Sentence
from lambdas.decision.facts import Fact
from lambdas.decision.language import Language

PLACEHOLDER = re.compile(r"\{a(\.[a-z]+)?\}")


def _sentence(pattern: str, fact: Fact, language: Language) -> Sentence:
    if not fact.periods.get(language.name):
        pattern = pattern.replace(language.rules["period_phrase"], "")
    text = PLACEHOLDER.sub(lambda match: f"{{{fact.id}{match[1] or ''}}}", pattern)
    return Sentence(text, (fact.id,))


def template_draft(facts: Sequence[Fact], *, language: Language) -> Draft:
    """Return the template reason for `facts`, at least one: one sentence each, in order."""
    templates = language.rules["templates"]
    patterns = [templates["first"], *[templates["later"]] * (len(facts) - 1)]
    sentences = [
        _sentence(pattern[fact.form], fact, language)
        for pattern, fact in zip(patterns, facts, strict=True)
    ]
    return Draft(language.name, tuple(sentences))
