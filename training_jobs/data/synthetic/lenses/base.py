"""What a lens is here: a name and a matrix of numbers from the observed history."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import Representations
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats, Ints


@dataclass(frozen=True)
class Matrix:
    """Inputs of a lens.

    Attributes:
        values: [n, columns], NaN where missing.
        categorical: columns that hold unordered codes.
        alone: columns whose effect may not depend on another column (main effects).
    """

    values: Floats
    categorical: tuple[int, ...] = ()
    alone: tuple[int, ...] = ()


@dataclass(frozen=True)
class Look:
    """What a lens may use besides the history: the bank's public facts and its own parameters."""

    settings: BankSettings
    parameters: Representations
    catalogue: Catalogue

    @property
    def product_groups(self) -> Floats:
        """[products, groups] 1 where a product is of a group."""
        groups = [group.group for group in self.catalogue.groups]
        member = np.zeros((len(self.catalogue.products), len(groups)))
        for row, product in enumerate(self.catalogue.products):
            member[row, groups.index(product.group)] = 1.0
        return member

    @property
    def tier(self) -> Ints:
        """[categories] -1 basic, 0 neutral, 1 premium."""
        tiers = {"basic": -1, "neutral": 0, "premium": 1}
        return np.array([tiers[category.tier] for category in self.settings.categories])

    @property
    def category_codes(self) -> tuple[str, ...]:
        """Codes by category index."""
        return tuple(category.code for category in self.settings.categories)


def table(observed: Observed, chosen: np.ndarray, label: Ints, labels: int) -> Floats:
    """Return [n, labels] counts of the chosen events by label.

    Args:
        observed: the history.
        chosen: [e] which events count.
        label: [e] label of each event.
        labels: number of labels.
    """
    flat = observed.row[chosen] * labels + label[chosen]
    counts = np.bincount(flat, minlength=observed.size * labels)
    return counts.reshape(observed.size, labels).astype(np.float64)


def share(above: Floats | Ints, below: Floats | Ints) -> Floats:
    """Return above / below, NaN where `below` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = np.where(below > 0, above / below, np.nan)
    return result


def side_by_side(parts: Sequence[Floats | Ints]) -> Floats:
    """Return the columns of all parts as one matrix."""
    return np.concatenate(
        [np.asarray(part, np.float64).reshape(len(part), -1) for part in parts], axis=1
    )
