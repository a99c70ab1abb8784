"""The decision: which products, by which layer, resting on which facts. Pure functions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from configs.contracts.serving_record import attribution_key
from lambdas.decision.catalogue import Person, Product, refusal
from lambdas.decision.facts import Evidence, FactSheet, build_sheet
from lambdas.decision.language import Language
from lambdas.decision.model import EVERYBODY, RULES, ServingModel
from lambdas.decision.policy import DecisionPolicy
from lambdas.decision.ranking import (
    MULTICLASS,
    Part,
    Ranked,
    Score,
    by_popularity,
    diverse,
    lens_shares,
    rank,
)
from lambdas.decision.reasons import Reason, choose_reason, rules_for, rules_reason
from lambdas.decision.record import CustomerRecord
from lambdas.decision.request import Request


class Layer(StrEnum):
    """What answered, from the strongest to the last resort."""

    DISTILLED = "distilled"
    DIRECT = "direct"
    RULES = RULES
    HUMAN = "human"


class Warned(StrEnum):
    """Why an answer is less than it could be. Part of the API."""

    KILL_SWITCH = "kill_switch_on"
    CONTROL_UNREADABLE = "control_unreadable"
    STUDENTS_UNUSABLE = "students_unusable"
    MODEL_UNREADABLE = "model_unreadable_previous_catalogue_used"
    RECORD_UNREADABLE = "customer_record_unreadable"
    CUSTOMER_UNKNOWN = "customer_unknown"
    OPTED_OUT = "opted_out_not_personalised"
    CACHE_UNREADABLE = "reason_cache_unreadable"
    RECORD_NOT_WRITTEN = "decision_record_refused_rules_used"
    TASK_SCORE_UNUSABLE = "task_score_unusable"
    NO_PRODUCT_TASK = "no_task_ranks_products_rules_used"
    FEWER_PRODUCTS = "fewer_products_than_asked"


@dataclass(frozen=True)
class Item:
    """One product before its reasons are written; `sheet` is None in the rule layer."""

    ranked: Ranked
    layer: Layer
    shares: Mapping[str, float] = field(default_factory=dict)
    sheet: FactSheet | None = None

    @property
    def product(self) -> Product:
        """The product itself."""
        return self.ranked.product


@dataclass(frozen=True)
class Plan:
    """What will be answered, still without texts.

    Attributes:
        layer: the strongest layer behind any product; `human` when there is nothing to offer.
        task_layers: task -> the layer that scored it.
        excluded: reason -> number of products that may not be shown.
    """

    items: tuple[Item, ...]
    layer: Layer
    task_layers: Mapping[str, str]
    warnings: tuple[str, ...]
    excluded: Mapping[str, int]
    by_segment: bool = True


def _allowed(
    model: ServingModel, person: Person, policy: DecisionPolicy
) -> tuple[list[Product], dict[str, int]]:
    allowed: list[Product] = []
    excluded: dict[str, int] = {}
    for product in model.products:
        reason = refusal(product, person, policy["ranking"])
        if reason is None:
            allowed.append(product)
        else:
            excluded[reason] = excluded.get(reason, 0) + 1
    return allowed, dict(sorted(excluded.items()))


def _usable(score: Score) -> bool:
    values = (score,) if isinstance(score, float) else score
    return all(math.isfinite(value) for value in values)


def score_tasks(
    model: ServingModel, record: CustomerRecord
) -> tuple[dict[str, Score], dict[str, str], bool]:
    """Return (task scores, the layer of each task, whether every student gave a usable score).

    A task without a student, and one whose student gave no finite score, takes its baseline:
    that is its rule layer.
    """
    computed = model.students.scores(record.features) if model.students is not None else {}
    scores: dict[str, Score] = {}
    layers: dict[str, str] = {}
    complete = True
    for rule in model.tasks:
        score = computed.get(rule.name)
        if rule.layer != Layer.RULES and score is not None and _usable(score):
            scores[rule.name], layers[rule.name] = score, rule.layer
        else:
            complete = complete and rule.layer == Layer.RULES
            scores[rule.name], layers[rule.name] = rule.baseline, Layer.RULES.value
    return scores, layers, complete


def _strongest(layers: Sequence[str]) -> Layer:
    for layer in (Layer.DISTILLED, Layer.DIRECT, Layer.RULES):
        if layer.value in layers:
            return layer
    return Layer.HUMAN


def _evidence(
    ranked: Ranked, scored: Sequence[Part], *, model: ServingModel, record: CustomerRecord
) -> list[Evidence]:
    """Return what the product's score rests on.

    A multiclass task's attributions speak for one class: only those recorded for the product's
    group are evidence for the product.
    """
    types = {rule.name: rule.type for rule in model.tasks}
    total = sum(part.weight * part.value for part in scored) or 1.0
    evidence = []
    for part in scored:
        multiclass = types[part.task] == MULTICLASS
        key = attribution_key(part.task, ranked.product.group if multiclass else None)
        rows = record.attributions.get(key, ())
        evidence.append(Evidence(part.task, part.weight * part.value / total, rows))
    return evidence


def _item(
    ranked: Ranked,
    *,
    model: ServingModel,
    record: CustomerRecord,
    layers: Mapping[str, str],
    policy: DecisionPolicy,
) -> Item:
    scored = tuple(part for part in ranked.parts if layers[part.task] != Layer.RULES)
    layer = _strongest([layers[part.task] for part in ranked.parts])
    if not scored:
        return Item(ranked, Layer.RULES)
    evidence = _evidence(ranked, scored, model=model, record=record)
    sheet = build_sheet(
        ranked.product.id,
        names=ranked.product.names,
        evidence=evidence,
        values=record.facts,
        vocabulary=model.vocabulary,
        policy=policy["reasons"],
        origin={"as_of": record.as_of, "model_version": model.version},
    )
    lenses = [lens.name for lens in model.lenses]
    return Item(ranked, layer, lens_shares(scored, shares=record.shares, lenses=lenses), sheet)


def plan_model(
    model: ServingModel,
    record: CustomerRecord,
    *,
    request: Request,
    policy: DecisionPolicy,
    today: date,
    warnings: Sequence[str] = (),
) -> Plan:
    """Rank by the students; places they leave empty are filled by the rules.

    Without a usable student score the plan is that of the rules.
    """
    scores, layers, complete = score_tasks(model, record)
    person = record.person(today)
    noted = list(warnings)
    if not any(layer != Layer.RULES for layer in layers.values()):
        return plan_rules(
            model,
            person,
            request=request,
            policy=policy,
            warnings=[*noted, Warned.STUDENTS_UNUSABLE],
        )
    if not complete:
        noted.append(Warned.TASK_SCORE_UNUSABLE)
    allowed, excluded = _allowed(model, person, policy)
    shares = model.shares_of(person.segment)
    ranked = rank(
        allowed, rules=model.tasks, scores=scores, shares=shares, policy=policy["ranking"]
    )
    if not ranked:
        noted.append(Warned.NO_PRODUCT_TASK)
    chosen = diverse(
        [*ranked, *by_popularity(allowed, shares=shares)],
        top_k=request.top_k,
        per_group=policy["ranking"]["maximum_per_group"],
    )
    items = tuple(
        _item(row, model=model, record=record, layers=layers, policy=policy) for row in chosen
    )
    if len(items) < request.top_k:
        noted.append(Warned.FEWER_PRODUCTS)
    layer = _strongest([item.layer.value for item in items])
    known = person.segment in model.popularity
    return Plan(items, layer, layers, tuple(noted), excluded, by_segment=known)


def plan_rules(
    model: ServingModel,
    person: Person,
    *,
    request: Request,
    policy: DecisionPolicy,
    warnings: Sequence[str],
    by_segment: bool = True,
) -> Plan:
    """Rank by popularity in the customer's segment: no model, the same constraints."""
    allowed, excluded = _allowed(model, person, policy)
    known = by_segment and person.segment in model.popularity
    shares = model.shares_of(person.segment if known else EVERYBODY)
    chosen = diverse(
        by_popularity(allowed, shares=shares),
        top_k=request.top_k,
        per_group=policy["ranking"]["maximum_per_group"],
    )
    noted = list(warnings)
    if len(chosen) < request.top_k:
        noted.append(Warned.FEWER_PRODUCTS)
    return Plan(
        items=tuple(Item(row, Layer.RULES) for row in chosen),
        layer=Layer.RULES if chosen else Layer.HUMAN,
        task_layers={rule.name: Layer.RULES.value for rule in model.tasks},
        warnings=tuple(noted),
        excluded=excluded,
        by_segment=known,
    )


def write_reasons(
    item: Item,
    *,
    plan: Plan,
    model: ServingModel,
    languages: Sequence[Language],
    policy: DecisionPolicy,
    cached: Mapping[str, Any],
) -> dict[str, Reason]:
    """Return language -> reason of one product.

    Args:
        cached: language -> cached draft (JSON value) of this product.
    """
    reasons = {}
    for language in languages:
        if item.sheet is None:
            reasons[language.name] = rules_reason(
                item.product.names, language=language, by_segment=plan.by_segment
            )
            continue
        rules = rules_for(
            model, product=item.product.id, language=language, policy=policy["reasons"]
        )
        reasons[language.name] = choose_reason(
            item.sheet, rules=rules, policy=policy["reasons"], cached=cached.get(language.name)
        )
    return reasons
