"""From task scores to an ordered list of products.

A task is about a product when it is about the product's group: `will_acquire_<group>`, or the
group's class of a multiclass task. Every score is brought to 0..1 first: probabilities as they
are, regression outputs through the normal distribution of the label (mean and standard deviation
of the train labels), never raw counts beside probabilities.

A product's propensity is the weighted mean over the tasks about it; a product that no task is
about is left to the rule layer. Its value is the propensity, times the product's share inside
its group raised to a declared exponent, times a factor common to all products of the customer:
1 + the sum of weight x (score - 1/2) over the tasks about no group. The common factor moves
values of one customer against those of another and never the order of the list.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lambdas.decision.catalogue import Product
from lambdas.decision.policy import RankingPolicy

Score: TypeAlias = float | Sequence[float]
BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"


@dataclass(frozen=True)
class TaskRule:
    """How a task takes part in the ranking.

    Attributes:
        layer: `distilled`, `direct` or `rules`: what computes its score.
        classes: labels of a multiclass task, in score order.
        product_group: the group a task is about; None for multiclass tasks and for tasks about
            the customer as a whole, whose weight may be negative.
        baseline: score used by the rule layer: base rate, class priors, or mean.
        scale: label standard deviation of a regression task.
    """

    name: str
    type: str
    layer: str
    ranking_weight: float
    classes: tuple[str, ...] = ()
    product_group: str | None = None
    baseline: Score = 0.0
    scale: float | None = None


@dataclass(frozen=True)
class Part:
    """One task's part in a product's value: normalised score in 0..1 and weight."""

    task: str
    value: float
    weight: float


@dataclass(frozen=True)
class Ranked:
    """A product with its value and the tasks behind it, strongest part first."""

    product: Product
    score: float
    parts: tuple[Part, ...]


def _unit(rule: TaskRule, score: float) -> float | None:
    """Return a binary or regression score in 0..1, None where it cannot be brought there."""
    if not math.isfinite(score):
        return None
    if rule.type == BINARY:
        return min(max(score, 0.0), 1.0)
    if not rule.scale or not isinstance(rule.baseline, float):
        return None
    return 0.5 * (1.0 + math.erf((score - rule.baseline) / (rule.scale * math.sqrt(2.0))))


def about_group(rule: TaskRule, score: Score, group: str) -> float | None:
    """Return what a task says about a product group in 0..1, None when it is not about it."""
    if rule.type == MULTICLASS:
        if group not in rule.classes or isinstance(score, float):
            return None
        value = float(score[rule.classes.index(group)])
        return min(max(value, 0.0), 1.0) if math.isfinite(value) else None
    if rule.product_group != group or not isinstance(score, float):
        return None
    return _unit(rule, score)


def common_factor(rules: Sequence[TaskRule], scores: Mapping[str, Score]) -> float:
    """Return the factor that the tasks about no product group put on all values, at least 0."""
    factor = 1.0
    for rule in rules:
        score = scores.get(rule.name)
        if rule.type == MULTICLASS or rule.product_group is not None:
            continue
        value = _unit(rule, score) if isinstance(score, float) else None
        if value is not None:
            factor += rule.ranking_weight * (value - 0.5)
    return max(factor, 0.0)


def _parts(group: str, rules: Sequence[TaskRule], scores: Mapping[str, Score]) -> tuple[Part, ...]:
    parts = []
    for rule in rules:
        if rule.ranking_weight <= 0 or rule.name not in scores:
            continue
        value = about_group(rule, scores[rule.name], group)
        if value is not None:
            parts.append(Part(rule.name, value, rule.ranking_weight))
    return tuple(sorted(parts, key=lambda part: (-part.weight * part.value, part.task)))


def rank(
    products: Sequence[Product],
    *,
    rules: Sequence[TaskRule],
    scores: Mapping[str, Score],
    shares: Mapping[str, float],
    policy: RankingPolicy,
) -> list[Ranked]:
    """Return the products that a task is about and that score at least the minimum, best first.

    Args:
        products: those that may be shown.
        shares: product -> share of the customer's segment that took it up (0..1).
    """
    floors = {row.id: max(shares.get(row.id, 0.0), policy["share_floor"]) for row in products}
    totals: dict[str, float] = {}
    for row in products:
        totals[row.group] = totals.get(row.group, 0.0) + floors[row.id]
    common = common_factor(rules, scores)
    ranked = []
    for row in products:
        parts = _parts(row.group, rules, scores)
        if not parts:
            continue
        weight = sum(part.weight for part in parts)
        propensity = sum(part.weight * part.value for part in parts) / weight
        inside = floors[row.id] / totals[row.group]
        score = min(propensity * inside ** policy["within_group_exponent"] * common, 1.0)
        if score >= policy["minimum_score"]:
            ranked.append(Ranked(row, score, parts))
    return sorted(ranked, key=lambda item: (-item.score, item.product.id))


def by_popularity(products: Sequence[Product], *, shares: Mapping[str, float]) -> list[Ranked]:
    """Return the products in order of their share in the segment: the rule layer's ranking.

    A product without a recorded share is not popular and is left out.
    """
    known = [row for row in products if shares.get(row.id, 0.0) > 0]
    ranked = [Ranked(row, shares[row.id], ()) for row in known]
    return sorted(ranked, key=lambda item: (-item.score, item.product.id))


def diverse(ranked: Sequence[Ranked], *, top_k: int, per_group: int) -> list[Ranked]:
    """Return the first `top_k` with at most `per_group` of one group, no product twice."""
    chosen: dict[str, Ranked] = {}
    counts: dict[str, int] = {}
    for item in ranked:
        group = item.product.group
        if counts.get(group, 0) < per_group and item.product.id not in chosen:
            counts[group] = counts.get(group, 0) + 1
            chosen[item.product.id] = item
        if len(chosen) == top_k:
            break
    return list(chosen.values())


def lens_shares(
    parts: Sequence[Part], *, shares: Mapping[str, Sequence[float]], lenses: Sequence[str]
) -> dict[str, float]:
    """Return the lens shares behind a product: those of its tasks, by their part in its value.

    Args:
        shares: task -> recorded gate shares of the customer, in the order of `lenses`.

    Returns:
        lens -> share, summing to 1; empty when no task behind the product has shares.
    """
    totals = [0.0] * len(lenses)
    for part in parts:
        recorded = shares.get(part.task)
        if recorded is None or len(recorded) != len(lenses):
            continue
        for position, share in enumerate(recorded):
            totals[position] += part.weight * part.value * float(share)
    whole = sum(totals)
    if whole <= 0:
        return {}
    return {lens: total / whole for lens, total in zip(lenses, totals, strict=True)}
