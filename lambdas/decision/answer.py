"""The answer of the API and the decision record: one content, written before it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configs.contracts.artefacts import canonical_json, digest
from lambdas.decision.decide import Item, Layer, Plan
from lambdas.decision.facts import FactSheet
from lambdas.decision.language import Language
from lambdas.decision.numbers import Currency
from lambdas.decision.reasons import Reason
from lambdas.decision.request import Request

DIGITS = 6
MEANING = "propensity"
"""Scores tell how likely a customer is to take a product up, not what a contact would change."""


@dataclass(frozen=True)
class Origin:
    """Where and when a decision was made.

    Attributes:
        created_at: ISO 8601, UTC.
        channel: `api`, or `smoke` for the check after a publication.
        record_digest: SHA-256 of the customer record that was read, None when none was.
    """

    decision_id: str
    created_at: str
    version: str
    model_version: str
    prompt_version: str
    channel: str
    record_digest: str | None
    as_of: str | None


def _told(sheet: FactSheet | None, reasons: Mapping[str, Reason]) -> list[dict[str, Any]]:
    if sheet is None:
        return []
    used = {identifier for reason in reasons.values() for identifier in reason.facts}
    return [fact.as_json() for fact in sheet.facts if fact.id in used]


def _recommendation(position: int, item: Item, reasons: Mapping[str, Reason]) -> dict[str, Any]:
    return {
        "rank": position,
        "product": item.product.id,
        "group": item.product.group,
        "names": dict(item.product.names),
        "score": round(item.ranked.score, DIGITS),
        "layer": item.layer.value,
        "lens_shares": {lens: round(share, DIGITS) for lens, share in item.shares.items()},
        "tasks": [
            {"task": part.task, "value": round(part.value, DIGITS), "weight": part.weight}
            for part in item.ranked.parts
        ],
        "reason": {language: reason.text for language, reason in reasons.items()},
        "reason_source": {language: reason.source.value for language, reason in reasons.items()},
        "facts": _told(item.sheet, reasons),
        "fact_sheet": item.sheet.hash if item.sheet is not None else None,
    }


def build_answer(
    plan: Plan,
    *,
    reasons: Sequence[Mapping[str, Reason]],
    request: Request,
    languages: Sequence[Language],
    origin: Origin,
) -> dict[str, Any]:
    """Return the body of a 200 answer; `reasons` are in the order of the plan's items."""
    by_rules = plan.layer in (Layer.RULES, Layer.HUMAN)
    return {
        "version": origin.version,
        "model_version": origin.model_version,
        "decision_id": origin.decision_id,
        "customer_id": request.customer_id,
        "as_of": origin.as_of,
        "layer": plan.layer.value,
        "task_layers": dict(sorted(plan.task_layers.items())),
        "score_meaning": MEANING,
        "disclosure": {
            language.name: language.rules["rules_disclosure" if by_rules else "disclosure"]
            for language in languages
        },
        "recommendations": [
            _recommendation(position, item, texts)
            for position, (item, texts) in enumerate(zip(plan.items, reasons, strict=True), start=1)
        ],
        "warnings": list(dict.fromkeys(plan.warnings)),
    }


def build_record(
    answer: Mapping[str, Any],
    *,
    plan: Plan,
    request: Request,
    origin: Origin,
    currency: Currency,
) -> dict[str, Any]:
    """Return the item of the decisions table: keys for reading, the whole content as one string.

    `payload` is canonical JSON, `payload_sha256` its digest: a later change of either shows.
    """
    payload = {
        "answer": answer,
        "request": {
            "top_k": request.top_k,
            "languages": list(request.languages),
            "context": dict(request.context),
        },
        "excluded": dict(plan.excluded),
        "currency": dict(currency),
        "prompt_version": origin.prompt_version,
        "record_digest": origin.record_digest,
        "channel": origin.channel,
        "created_at": origin.created_at,
    }
    return {
        "decision_id": origin.decision_id,
        "created_at": origin.created_at,
        "customer_id": request.customer_id,
        "model_version": origin.model_version,
        "version": origin.version,
        "layer": plan.layer.value,
        "channel": origin.channel,
        "payload": canonical_json(payload).decode(),
        "payload_sha256": digest(payload),
    }


def rewrite_message(
    item: Item, *, request: Request, origin: Origin, languages: Sequence[str]
) -> dict[str, Any] | None:
    """Return the queued order for better texts of one product, None when there is no evidence."""
    if item.sheet is None or not item.sheet.facts or not languages:
        return None
    return {
        "customer_id": request.customer_id,
        "model_version": origin.model_version,
        "decision_id": origin.decision_id,
        "prompt_version": origin.prompt_version,
        "languages": list(languages),
        "sheet": item.sheet.as_json(),
        "sheet_hash": item.sheet.hash,
    }
