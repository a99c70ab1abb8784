"""Template reasons: sentences chosen by the facts, so two customers read two reasons."""

import re
from collections.abc import Sequence

from lambdas.decision.drafts import Draft, Sentence
from lambdas.decision.facts import Fact
from lambdas.decision.language import Language

PLACEHOLDER = re.compile(r"\{a(\.[a-z]+)?\}")


def _sentence(pattern: str, fact: Fact) -> Sentence:
    text = PLACEHOLDER.sub(lambda match: f"{{{fact.id}{match[1] or ''}}}", pattern)
    return Sentence(text, (fact.id,))


def template_draft(facts: Sequence[Fact], *, language: Language) -> Draft:
    """Return the template reason for `facts`, at least one: one sentence each, in order."""
    templates = language.rules["templates"]
    patterns = [templates["first"], *[templates["later"]] * (len(facts) - 1)]
    sentences = [_sentence(pattern[fact.form], fact) for pattern, fact in zip(patterns, facts)]
    return Draft(language.name, tuple(sentences))
