"""What a feature generator and a side tensor are: fit on a cut view, transform cut views."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from configs.settings.base import Strict
from training_jobs.features.cut import CutView
from training_jobs.features.reading import Place

FloatArray = NDArray[np.float32]
Kind = Literal["numeric", "categorical", "binary"]
P = TypeVar("P", bound=Strict)


@dataclass(frozen=True)
class Column:
    """One declared feature column.

    Attributes:
        kind: categorical columns hold codes 0..cardinality-1, binary ones 0 or 1.
        cardinality: number of codes of a categorical column, else None.
        log: of a power law: readers that scale replace the value x by sign(x) * log(1 + |x|).
    """

    name: str
    kind: Kind = "numeric"
    cardinality: int | None = None
    log: bool = False


@dataclass(frozen=True)
class Product:
    """A product of the bank's catalogue."""

    code: str
    group: str


@dataclass(frozen=True)
class Bank:
    """What a generator may know of the bank beside the rows of its view: nothing that has a date.

    Attributes:
        products: in catalogue order; empty where the bank has no holdings.
        category_directions: directions of the transactions whose categories mean consumption.
        lookback_months: months of history in every view.
        parents: category tree, code -> code of its parent, None at the root; empty where the bank
            has no tree.
    """

    products: tuple[Product, ...]
    category_directions: tuple[str, ...]
    lookback_months: int
    parents: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """Everything a generator has learnt, saved as JSON and npy and used by every shard.

    Attributes:
        values: JSON values.
        arrays: arrays by name.
        tally: not learnt: the sum of `Generator.tally` over all customers at the view's `as_of`.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tally: NDArray[np.int64] | None = None

    def at(self, tally: NDArray[np.int64] | None) -> "Fitted":
        """Return the same parameters with the state of one `as_of`."""
        return replace(self, tally=tally)


class Maker(ABC, Generic[P]):
    """What generators of columns and of side tensors share.

    Attributes:
        tallies: whether `tally` is to be summed over all customers of an `as_of` before
            `transform`: for state such as the degrees of a graph, which is never fitted.
    """

    tallies: ClassVar[bool] = False

    def __init__(self, parameters: P, bank: Bank) -> None:
        self.parameters = parameters
        self.bank = bank

    @abstractmethod
    def fit(self, view: CutView) -> Fitted:
        """Learn from the fit sample at the fit cut-off. Must not depend on the order of rows."""

    def tally(self, view: CutView, fitted: Fitted) -> NDArray[np.int64]:
        """Return integer counts of this view, to be summed over all customers of its `as_of`."""
        raise NotImplementedError(f"{type(self).__name__} has no tally for {view.as_of} {fitted}")


class TensorView(ABC, Generic[P]):
    """A group whose columns are items of a side tensor's lists, read from there and stored once.

    A column is missing where the list of a row is shorter.
    """

    def __init__(self, parameters: P, bank: Bank) -> None:
        self.parameters = parameters
        self.bank = bank

    @property
    @abstractmethod
    def tensor(self) -> str:
        """Name of the side tensor."""

    @abstractmethod
    def columns(self) -> tuple[tuple[Column, Place], ...]:
        """Declare the columns, in order, and where each stands."""


class Generator(Maker[P]):
    """Makes the columns of one group."""

    @abstractmethod
    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the columns, in order."""

    @abstractmethod
    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return the values, shape (view.rows, columns); NaN = missing.

        A row depends on that row's customer, `fitted` and nothing else: neither on the other rows
        of the view nor on their number.
        """


class FixedGenerator(Generator[P]):
    """Makes columns that are defined once and for all: nothing is learnt.

    Attributes:
        declared: the columns, in order.
    """

    declared: ClassVar[tuple[Column, ...]]

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the columns."""
        del fitted
        return self.declared


class SideTensor(Maker[P]):
    """Makes lists of varying length that no column can hold."""

    @property
    def length(self) -> int | None:
        """Most items in a list, None where it is not bounded."""
        return None

    @abstractmethod
    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare the Arrow fields, in order."""

    @abstractmethod
    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return one array of `view.rows` values a field; independent of the other rows."""

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return what the indices in the lists stand for, by name; none by default."""
        del fitted
        return {}

    def edges(self, fitted: Fitted) -> Mapping[str, list[list[int]]]:
        """Return what ties the entries of a vocabulary, by its name; none by default.

        Returns:
            Pairs of places in the vocabulary; of a tree [child, parent].
        """
        del fitted
        return {}
