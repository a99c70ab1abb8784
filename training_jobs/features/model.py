"""The feature model: every present input with what it has learnt, and why others are absent."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from configs.settings.features import Group, Tensor
from training_jobs.features.cut import CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import (
    Bank,
    Column,
    Fitted,
    FloatArray,
    Generator,
    Maker,
    SideTensor,
    TensorView,
)
from training_jobs.features.reading import Place, list_items

Tallies = Mapping[tuple[str, date], NDArray[np.int64]]
"""State of all customers, by input name and `as_of`."""


@dataclass(frozen=True)
class Statistics:
    """What the fit sample says about a column.

    Attributes:
        mean: of the present values, after the logarithm where the column has one.
        sd: likewise, above 0.
        median: of the present values as they are.
        missing: share of missing values.
    """

    mean: float
    sd: float
    median: float
    missing: float


@dataclass(frozen=True)
class MadeGroup:
    """A group that is present.

    Attributes:
        kept: places of the declared columns that are written.
        dropped: names of declared columns that are not, with the reason.
        statistics: of the kept columns, in order.
        places: where the declared columns stand, if the group is a view of a side tensor.
    """

    settings: Group
    generator: Generator[Any] | TensorView[Any]
    fitted: Fitted
    declared: tuple[Column, ...]
    kept: tuple[int, ...]
    dropped: Mapping[str, str]
    statistics: tuple[Statistics, ...]
    places: tuple[Place, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are written."""
        return tuple(self.declared[place] for place in self.kept)


@dataclass(frozen=True)
class MadeTensor:
    """A side tensor that is present."""

    settings: Tensor
    tensor: SideTensor[Any]
    fitted: Fitted


@dataclass
class Clock:
    """Seconds spent by input: for people, never in an artefact."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add what another clock has measured."""
        for name, spent in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of the block to `name`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


@dataclass(frozen=True)
class FeatureModel:
    """All that a shard needs to be transformed.

    Attributes:
        absent: group or tensor -> why it is not there.
    """

    bank: Bank
    groups: tuple[MadeGroup, ...]
    tensors: tuple[MadeTensor, ...]
    absent: Mapping[str, str]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that readers see, in order."""
        return tuple(column for group in self.groups for column in group.columns)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that are written: all but the views of side tensors."""
        return tuple(
            column for group in self.groups if not group.places for column in group.columns
        )

    def values(self, view: CutView, tallies: Tallies, clock: Clock) -> FloatArray:
        """Return all stored columns, shape (view.rows, columns)."""
        blocks = [np.zeros((view.rows, 0), np.float32)]
        for group in self.groups:
            if isinstance(group.generator, TensorView):
                continue
            with clock.of(group.settings.name):
                name, fitted = group.settings.name, group.fitted
                fitted = fitted.at(tallies.get((name, view.as_of)))
                produced = group.generator.transform(view, fitted)
                check_produced(name, group.declared, produced, rows=view.rows)
                block = produced[:, list(group.kept)]
                check_values(name, group.columns, block)
                blocks.append(block)
        return np.concatenate(blocks, axis=1)

    def lists(
        self, view: CutView, tallies: Tallies, clock: Clock
    ) -> dict[str, tuple[pa.Array, ...]]:
        """Return the fields of every side tensor, `view.rows` lists each."""
        made = {}
        for item in self.tensors:
            with clock.of(item.settings.name):
                name = item.settings.name
                fitted = item.fitted.at(tallies.get((name, view.as_of)))
                arrays = item.tensor.transform(view, fitted)
                check_lists(name, item.tensor.fields(item.fitted), arrays, rows=view.rows)
                made[name] = arrays
        return made

    def tallied(self) -> list[tuple[str, Maker[Any], Fitted]]:
        """Return the inputs that need counts over all customers of an `as_of`."""
        makers: list[tuple[str, Maker[Any], Fitted]] = [
            (group.settings.name, group.generator, group.fitted)
            for group in self.groups
            if not isinstance(group.generator, TensorView)
        ]
        makers += [(item.settings.name, item.tensor, item.fitted) for item in self.tensors]
        return [made for made in makers if made[1].tallies]


def view_values(
    item: MadeTensor, arrays: Sequence[pa.Array], places: Sequence[Place]
) -> FloatArray:
    """Return the columns that are items of a side tensor's lists, shape (rows, places).

    Raises:
        FeatureError: the tensor has no such field.
    """
    lists = dict(
        zip((field.name for field in item.tensor.fields(item.fitted)), arrays, strict=True)
    )
    if unknown := sorted({place.field for place in places} - set(lists)):
        raise FeatureError(
            f"side tensor '{item.settings.name}' has no field {', '.join(unknown)}",
            remedy=f"name some of: {', '.join(lists)}",
        )
    values = np.empty((len(arrays[0]), len(places)), np.float32)
    for name, array in lists.items():
        columns = [column for column, place in enumerate(places) if place.field == name]
        values[:, columns] = list_items(array, [places[column].item for column in columns])
    return values


def check_produced(
    name: str, declared: Sequence[Column], produced: FloatArray, *, rows: int
) -> None:
    """Hold the shape and type of a block against its declaration. Raises FeatureError."""
    if produced.shape != (rows, len(declared)) or produced.dtype != np.float32:
        raise FeatureError(
            f"group '{name}' declared {len(declared)} float32 columns for {rows} rows and produced "
            f"{produced.dtype} of shape {produced.shape}",
            remedy="mend the generator: the declared schema is a promise to every reader",
        )


def check_values(name: str, columns: Sequence[Column], block: FloatArray) -> None:
    """Hold the values of kept columns against their kinds. Raises FeatureError."""
    for place, column in enumerate(columns):
        values = block[:, place]
        if fault := _fault(column, values):
            raise FeatureError(
                f"group '{name}': column '{column.name}' holds {fault}",
                remedy="mend the generator or declare the column as what it is",
            )


def _fault(column: Column, values: FloatArray) -> str | None:
    if np.isinf(values).any():
        return "a value that is not finite"
    if column.kind == "numeric":
        return None
    codes = values[~np.isnan(values)]
    top = 1 if column.kind == "binary" else (column.cardinality or 0) - 1
    valid = (codes == np.floor(codes)) & (codes >= 0) & (codes <= top)
    return None if valid.all() else f"codes outside 0..{top}"


def check_lists(
    name: str, fields: Sequence[pa.Field], arrays: Sequence[pa.Array], *, rows: int
) -> None:
    """Hold the arrays of a side tensor against its declaration. Raises FeatureError."""
    produced = [(array.type, len(array)) for array in arrays]
    if produced != [(declared.type, rows) for declared in fields]:
        raise FeatureError(
            f"side tensor '{name}' declared {[str(declared) for declared in fields]} for {rows} "
            f"rows and produced {[f'{kind} x {length}' for kind, length in produced]}",
            remedy="mend the side tensor: the declared schema is a promise to every reader",
        )
