"""What a label derivation is, and the registry of derivations by their parameter class."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from configs.settings.base import Strict
from configs.settings.dataset import DatasetSettings
from training_jobs.absence import Off, lacking

Rule = TypeVar("Rule", bound=Strict)


@dataclass(frozen=True)
class LabelFit:
    """What labels need from data up to the fit cut-off: categories by frequency."""

    categories: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What a derivation may read besides its own parameters."""

    dataset: DatasetSettings
    fit: LabelFit


class Derivation(ABC, Generic[Rule]):
    """A way to read a label from the window after `as_of`.

    The SQL sees the views `spine` (one row an example: `customer_id`, `as_of`, `label_end` = last
    month end of the window, `before_start` = month end at which the equal window before begins,
    exclusive, `observed` = months of history), `customer_months`, `holdings`, `transactions`,
    `events` (transactions of the directions whose category counts) and `products`; views of
    tables that the data set lacks are missing.
    """

    requires: ClassVar[tuple[str, ...]] = ()
    """Canonical tables, all of which must be there."""

    def unmet(self, rule: Rule, dataset: DatasetSettings) -> Off | None:
        """Return why the task cannot be derived from a data set, None when it can."""
        del rule
        return lacking(self.requires, dataset.tables)

    def classes(self, rule: Rule, setting: Setting) -> tuple[str, ...] | None:
        """Return the class labels in index order, None for binary and regression tasks."""
        del rule, setting
        return None

    @abstractmethod
    def sql(self, rule: Rule, setting: Setting) -> str:
        """Return a SELECT of `customer_id`, `as_of`, `y` (NULL = masked), one row an example."""


_METHODS: dict[type[Strict], Derivation[Any]] = {}


def derives(rule: type[Strict]) -> Callable[[type[Derivation[Any]]], type[Derivation[Any]]]:
    """Register a derivation under its parameter class.

    Raises:
        ValueError: the class has a derivation already.
    """

    def register(method: type[Derivation[Any]]) -> type[Derivation[Any]]:
        if rule in _METHODS:
            raise ValueError(f"{rule.__name__} has two derivations")
        _METHODS[rule] = method()
        return method

    return register


def method_of(rule: Strict) -> Derivation[Any]:
    """Return the derivation of a parameter object. Raises KeyError when none is registered."""
    return _METHODS[type(rule)]


def registered() -> set[type[Strict]]:
    """Return the parameter classes that have a derivation."""
    return set(_METHODS)
