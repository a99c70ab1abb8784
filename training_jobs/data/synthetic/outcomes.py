"""Labels of the product tasks from a path of holdings, by the rules of the tasks settings.

The pipeline derives labels in SQL from what it is given; here the same rules are applied to arrays
of simulated holdings, thousands of paths a second. A test holds the two against each other.
"""

from dataclasses import dataclass

import numpy as np

from configs.settings.dataset import Catalogue
from configs.settings.tasks import (
    AcquiredAny,
    AcquiredCount,
    CountDrop,
    CountStability,
    FirstGroup,
    SegmentAtEnd,
    Task,
)
from training_jobs.data.synthetic.random import Floats, Ints
from training_jobs.data.synthetic.situations import SEGMENTS

Rule = CountDrop | CountStability | FirstGroup | AcquiredCount | AcquiredAny | SegmentAtEnd


@dataclass(frozen=True)
class Course:
    """What n customers hold around an `as_of`.

    Attributes:
        prior: [n] mean number of products of the months up to `as_of`, by the rule's look-back.
        now: [n, products] held at `as_of`.
        window: [months, n, products] held at the month ends of the label window.
        segment: [n] index at the window's end.
    """

    prior: Floats
    now: np.ndarray
    window: np.ndarray
    segment: Ints


def has_outcome(task: Task) -> bool:
    """Return whether the task is read from holdings or segments, not from card events."""
    return isinstance(task.derivation, Rule)


def classes_of(task: Task, catalogue: Catalogue) -> int | None:
    """Return the number of classes, None for binary tasks and regressions."""
    if isinstance(task.derivation, FirstGroup):
        return 1 + len(catalogue.groups)
    return len(SEGMENTS) if isinstance(task.derivation, SegmentAtEnd) else None


def outcome(rule: object, course: Course, catalogue: Catalogue) -> Floats:
    """Return [n] labels, NaN where the task masks them.

    Raises:
        TypeError: the rule reads card events.
    """
    gained = course.window & ~course.now[None]
    if isinstance(rule, CountDrop):
        later = course.window[-1].sum(axis=1)
        return np.where(course.now.any(axis=1), later < rule.ratio * course.prior, np.nan)
    if isinstance(rule, CountStability):
        counts = np.concatenate([course.now[None], course.window]).sum(axis=2).astype(np.float64)
        mean = counts.mean(axis=0)
        variation = counts.std(axis=0) / np.where(mean > 0, mean, np.nan)
        stability: Floats = np.maximum(1 - variation, 0)
        return stability
    if isinstance(rule, AcquiredCount):
        count: Floats = gained.any(axis=0).sum(axis=1).astype(np.float64)
        return count
    if isinstance(rule, AcquiredAny):
        members = np.array([item.group == rule.product_group for item in catalogue.products])
        acquired = gained[:, :, members].any(axis=(0, 2))
        return np.where(course.now[:, members].all(axis=1), np.nan, acquired)
    if isinstance(rule, FirstGroup):
        return _first_group(gained, catalogue)
    if isinstance(rule, SegmentAtEnd):
        return course.segment.astype(np.float64)
    raise TypeError(f"{type(rule).__name__} is not read from holdings")


def _first_group(gained: np.ndarray, catalogue: Catalogue) -> Floats:
    """Return [n] class of the first product acquired; ties by the catalogue's order; 0 = none."""
    groups = [group.group for group in catalogue.groups]
    of = np.array([1 + groups.index(product.group) for product in catalogue.products])
    month = np.where(gained.any(axis=0), gained.argmax(axis=0), len(gained))
    product = month.argmin(axis=1)
    return np.where(gained.any(axis=(0, 2)), of[product], 0).astype(np.float64)
