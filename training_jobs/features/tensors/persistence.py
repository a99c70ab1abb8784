"""The persistence tensor: the points of each customer's diagrams."""

import numpy as np
import pyarrow as pa

from configs.settings.generators.topology import PersistencePairsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank, Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.tensors.lists import list_array, list_of, places_in_row
from training_jobs.features.topology.diagrams import check_months, window_diagrams
from training_jobs.features.topology.homology import Pairs
from training_jobs.features.topology.purchases import Levels, learn_levels

FIELDS = (
    pa.field("birth", list_of(pa.float32())),
    pa.field("death", list_of(pa.float32())),
    pa.field("dimension", list_of(pa.int8())),
    pa.field("months", list_of(pa.int16())),
)


@TENSORS.register("persistence_pairs")
class PersistencePairs(SideTensor[PersistencePairsParameters]):
    """Birth, death, dimension and window of every pair that the columns of `tda` summarise.

    Dimension 0 are the swings, 1 the loops; `months` names the window. In the order of the
    configured windows, then of the dimensions, the most persistent first. A customer with too few
    purchases in a window has no pair of it.
    """

    def __init__(self, parameters: PersistencePairsParameters, bank: Bank) -> None:
        super().__init__(parameters, bank)
        for months in parameters.months:
            check_months(months, bank)

    @property
    def length(self) -> int:
        """Most pairs of a customer: of every window and both dimensions."""
        return 2 * len(self.parameters.months) * self.parameters.most_pairs

    def fit(self, view: CutView) -> Fitted:
        """Learn what a category usually costs."""
        return learn_levels(view, self.parameters.topology)

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare the four lists."""
        del fitted
        return FIELDS

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return four lists of at most `length` items a row."""
        levels = Levels.of(fitted)
        parts: list[tuple[Pairs, int, int]] = []
        for months in self.parameters.months:
            made = window_diagrams(
                view, months=months, topology=self.parameters.topology, levels=levels
            )
            parts += [(self._top(made.swings), 0, months), (self._top(made.loops), 1, months)]
        row = np.concatenate([pairs.row for pairs, _, _ in parts])
        sizes = [len(pairs.row) for pairs, _, _ in parts]
        order = np.argsort(row, kind="stable")
        columns = (
            np.concatenate([pairs.birth for pairs, _, _ in parts]),
            np.concatenate([pairs.death for pairs, _, _ in parts]),
            np.repeat([dimension for _, dimension, _ in parts], sizes),
            np.repeat([months for _, _, months in parts], sizes),
        )
        lengths = np.bincount(row, minlength=view.rows)
        return tuple(
            list_array(values[order], lengths, field.type.value_type)
            for values, field in zip(columns, FIELDS, strict=True)
        )

    def _top(self, pairs: Pairs) -> Pairs:
        kept = places_in_row(pairs.row) < self.parameters.most_pairs
        return Pairs(pairs.row[kept], pairs.birth[kept], pairs.death[kept])
