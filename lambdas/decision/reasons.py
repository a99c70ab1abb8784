"""The reason of one product in one language: verified cache, else verified template, else none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from configs.contracts.artefacts import digest
from lambdas.decision.drafts import (
    Draft,
    NotADraft,
    Sentence,
    parse_draft,
    pieces,
    render,
)
from lambdas.decision.facts import Fact, FactSheet
from lambdas.decision.language import Language
from lambdas.decision.model import ServingModel
from lambdas.decision.numbers import Currency
from lambdas.decision.policy import ReasonPolicy
from lambdas.decision.templates import template_draft
from lambdas.decision.verifier import Rules, verify


class Source(StrEnum):
    """Where a reason comes from."""

    CACHE = "cache"
    TEMPLATE = "template"
    RULES = "rules"
    ABSTAINED = "abstained"


@dataclass(frozen=True)
class Reason:
    """A finished text; `facts` are the ids it rests on."""

    text: str
    source: Source
    facts: tuple[str, ...] = ()


def cache_key(
    *, customer: str, model_version: str, sheet: FactSheet, prompt_version: str, language: str
) -> str:
    """Return the key of a text: another customer, product, version, fact or prompt, another key."""
    return digest(
        {
            "customer": customer,
            "product": sheet.product,
            "model_version": model_version,
            "sheet": sheet.hash,
            "prompt_version": prompt_version,
            "language": language,
        }
    )


def rules_for(
    model: ServingModel,
    *,
    product: str,
    language: Language,
    policy: ReasonPolicy,
    chosen: tuple[str, ...] | None = None,
) -> Rules:
    """Return what the verifier needs for a product of a model."""
    return Rules(
        language=language,
        currency=model.currency,
        other_names=model.other_names(product, language.name),
        maximum_sentences=policy["maximum_sentences"],
        maximum_characters=policy["maximum_characters"],
        chosen=chosen,
    )


def _fixed(pattern: str, names: Mapping[str, str], language: Language, closing: str) -> str:
    sheet = FactSheet("", names, ())
    sentence = Sentence(pattern, ())
    currency = Currency(code="", minor_digits=0)
    found = pieces(sentence, sheet=sheet, language=language, currency=currency)
    return f"{''.join(piece.text for piece in found)} {closing}"


def rules_reason(names: Mapping[str, str], *, language: Language, by_segment: bool) -> Reason:
    """Return what is said of a product the rule layer chose; it does not claim to be AI."""
    rules = language.rules
    pattern = rules["rules_reason"] if by_segment else rules["popular_reason"]
    return Reason(_fixed(pattern, names, language, rules["rules_disclosure"]), Source.RULES)


def _selections(sheet: FactSheet, policy: ReasonPolicy) -> Iterator[tuple[Fact, ...]]:
    for count in range(min(policy["facts_per_reason"], len(sheet.facts)), 1, -1):
        yield sheet.facts[:count]
    for fact in sheet.facts:
        yield (fact,)


def _verified(draft: Draft, sheet: FactSheet, rules: Rules, source: Source) -> Reason | None:
    if verify(draft, sheet=sheet, rules=rules):
        return None
    text = render(draft, sheet=sheet, language=rules.language, currency=rules.currency)
    facts = dict.fromkeys(fact for row in draft.sentences for fact in row.facts)
    return Reason(text, source, tuple(facts))


def choose_reason(
    sheet: FactSheet, *, rules: Rules, policy: ReasonPolicy, cached: Any = None
) -> Reason:
    """Return the best text that passes the verifier.

    A cached draft is verified again against the present sheet, so that an altered cache item is
    not shown; then templates are tried from the most facts to a single one.

    Args:
        cached: the JSON value of a cached draft, or None.
    """
    if cached is not None:
        try:
            draft = parse_draft(cached, language=rules.language.name)
        except NotADraft:
            draft = Draft(rules.language.name, ())
        if reason := _verified(draft, sheet, rules, Source.CACHE):
            return reason
    for facts in _selections(sheet, policy):
        draft = template_draft(facts, language=rules.language)
        if reason := _verified(draft, sheet, rules, Source.TEMPLATE):
            return reason
    wording = rules.language.rules
    text = _fixed(wording["abstained"], sheet.names, rules.language, wording["disclosure"])
    return Reason(text, Source.ABSTAINED)
