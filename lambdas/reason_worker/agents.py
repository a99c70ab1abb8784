"""The two writers and the gate: feature selector, reason generator, safety gate.

The selector and the generator see names and directions of facts, never a customer's figures
and never the customer's id; figures enter a text through slots that code fills.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from lambdas.decision.drafts import Draft, NotADraft, parse_draft, render
from lambdas.decision.facts import FactSheet
from lambdas.decision.policy import ReasonAgentPolicy
from lambdas.decision.verifier import Rules, verify
from lambdas.stores.converse import BadReply, Budget

RANK = "rank"


class Asks(Protocol):
    """A language model that answers a JSON document with a JSON object."""

    def ask(self, prompt: str, document: dict[str, Any], *, budget: Budget) -> dict[str, Any]:
        """Return the reply. Raises StoreUnavailable or BadReply."""
        ...


class Judges(Protocol):
    """A guardrail."""

    def passes(self, text: str) -> bool:
        """Tell whether a text passes. Raises StoreUnavailable when that is not known."""
        ...


class Refusal(Exception):
    """No acceptable text came out; `why` are fault names for the log."""

    def __init__(self, why: Sequence[str]) -> None:
        super().__init__(", ".join(why))
        self.why = tuple(why)


def _fact_objects(sheet: FactSheet, language: str) -> list[dict[str, str]]:
    return [
        {
            "id": fact.id,
            "label": fact.labels[language],
            "period": fact.periods.get(language, ""),
            "direction": fact.direction,
            "direction_word": fact.directions.get(language, ""),
            "form": fact.form,
        }
        for fact in sheet.facts
    ]


def _document(task: str, *, sheet: FactSheet, language: str, prompt_version: str) -> dict[str, Any]:
    return {
        "task": task,
        "language": language,
        "prompt_version": prompt_version,
        "product": {"id": sheet.product, "name": sheet.names[language]},
        "facts": _fact_objects(sheet, language),
    }


def select_facts(
    sheet: FactSheet,
    *,
    language: str,
    model: Asks,
    prompt: str,
    policy: ReasonAgentPolicy,
    maximum: int,
    deadline: float,
) -> tuple[str, ...]:
    """Return the ids of the facts to tell, at most `maximum`, all of them from the sheet.

    A reply that chooses nothing, something twice, too much, or something that is not there is
    put aside for the strongest facts: the choice is a matter of style, not of truth.

    Raises:
        StoreUnavailable: the model did not answer.
    """
    strongest = tuple(fact.id for fact in sheet.facts[:maximum])
    select = policy["select"]
    if select["mode"] == RANK or len(sheet.facts) <= 1:
        return strongest
    document = _document(
        "select_facts", sheet=sheet, language=language, prompt_version=policy["prompt_version"]
    )
    budget = Budget(
        model=select["model"],
        max_tokens=select["max_tokens"],
        attempts=select["attempts"],
        seconds=select["seconds"],
        temperature=policy["temperature"],
        deadline=deadline,
    )
    try:
        chosen = model.ask(prompt, document | {"max_facts": maximum}, budget=budget).get("facts")
    except BadReply:
        return strongest
    known = {fact.id for fact in sheet.facts}
    if (
        not isinstance(chosen, list)
        or not 1 <= len(chosen) <= maximum
        or not all(isinstance(item, str) and item in known for item in chosen)
        or len(set(chosen)) != len(chosen)
    ):
        return strongest
    return tuple(chosen)


def write_reason(
    sheet: FactSheet,
    *,
    rules: Rules,
    model: Asks,
    prompt: str,
    policy: ReasonAgentPolicy,
    deadline: float,
) -> Draft:
    """Return a draft that the verifier passes.

    Raises:
        StoreUnavailable: the model did not answer.
        Refusal: no reply within the attempts was a draft that passes.
    """
    language = rules.language.name
    chosen = rules.chosen or ()
    told = FactSheet(
        sheet.product, sheet.names, tuple(fact for fact in sheet.facts if fact.id in chosen)
    )
    document = _document(
        "write_reason", sheet=told, language=language, prompt_version=policy["prompt_version"]
    ) | {
        "max_sentences": rules.maximum_sentences,
        "max_characters": rules.maximum_characters - len(rules.language.disclosure) - 1,
    }
    write = policy["write"]
    budget = Budget(
        model=write["model"],
        max_tokens=write["max_tokens"],
        attempts=1,
        seconds=write["seconds"],
        temperature=policy["temperature"],
        deadline=deadline,
    )
    why: list[str] = []
    for _ in range(write["attempts"]):
        try:
            draft = parse_draft(model.ask(prompt, document, budget=budget), language=language)
        except (BadReply, NotADraft):
            why = ["FORM"]
            continue
        findings = verify(draft, sheet=sheet, rules=rules)
        if not findings:
            return draft
        why = sorted({finding.fault.name for finding in findings})
    raise Refusal(why)


def gate(draft: Draft, *, sheet: FactSheet, rules: Rules, guardrail: Judges) -> None:
    """Pass a draft: the verifier once more, then the guardrail on the finished text.

    Raises:
        StoreUnavailable: the guardrail gave no verdict.
        Refusal: one of them refused.
    """
    findings = verify(draft, sheet=sheet, rules=rules)
    if findings:
        raise Refusal(sorted({finding.fault.name for finding in findings}))
    text = render(draft, sheet=sheet, language=rules.language, currency=rules.currency)
    if not guardrail.passes(text):
        raise Refusal(["GUARDRAIL"])
