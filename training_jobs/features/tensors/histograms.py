"""Spending histograms: category by amount, the newest months beside the customer's own past."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from configs.settings.generators.tensors import SpendingHistogramParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.tensors.lists import list_array, list_of
from training_jobs.features.visits import consuming
from training_jobs.features.vocabulary import common

FIELDS = (
    pa.field("recent_cells", list_of(pa.int32())),
    pa.field("recent_weights", list_of(pa.float32())),
    pa.field("past_cells", list_of(pa.int32())),
    pa.field("past_weights", list_of(pa.float32())),
)
OTHER = "other"
EVERYONE = "everyone"
CATEGORIES = "SELECT row, category AS value FROM transactions WHERE direction IN ({directions})"


@TENSORS.register("spending_histograms")
class SpendingHistograms(SideTensor[SpendingHistogramParameters]):
    """Shares of consuming events by cell = category x amount level; sparse, cells ascending.

    An amount level is relative to what is usual in its category: the levels of a category hold
    equal numbers of the fit sample's events. Cell = category x levels + level; the last category is
    all others, unrecorded ones among them. The weights of a histogram add to 1; without events it
    is empty.

    References for the comparison are fitted: row r of the array `references` (fitted file
    `spending_histograms.references.npy`, float64, shape (names, cells)) is the histogram of all
    events of the fit sample, first of everyone, then of each segment at the fit cut-off; the names
    are the vocabulary `spending_references`. `edges` (categories, levels - 1) holds the lower
    bounds of the levels above the first, in minor units.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn categories, amount levels and reference histograms."""
        directions = ", ".join(f"'{direction}'" for direction in self.bank.category_directions)
        categories = common(
            view,
            CATEGORIES.format(directions=directions),
            most=self.parameters.categories,
            least_customers=self.parameters.min_customers,
        )
        told = consuming(view.events, self.bank)
        place = self._places(view, categories)[told]
        edges = self._edges(place, view.events.amount[told], len(categories) + 1)
        fitted = Fitted({"categories": categories}, {"edges": edges})
        names, references = self._references(view, fitted)
        return Fitted(
            {"categories": categories, "references": names},
            {"edges": edges, "references": references},
        )

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare cells and weights of both periods."""
        del fitted
        return FIELDS

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return the histograms of the newest months and of those before."""
        recent = view.events.month_back < self.parameters.recent_months
        arrays: list[pa.Array] = []
        for period in (recent, ~recent):
            counts = self._counts(view, fitted, period)
            lengths = np.diff(counts.indptr).astype(np.int64)
            total = np.repeat(counts.sum(axis=1), lengths)
            arrays.append(list_array(counts.indices, lengths, pa.int32()))
            arrays.append(list_array(counts.data / total, lengths, pa.float32()))
        return tuple(arrays)

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return the cells as `<category>:<level from 1>`, and the names of the references."""
        levels = range(1, self.parameters.amount_levels + 1)
        codes = [*fitted.values["categories"], OTHER]
        return {
            "spending_cells": [f"{code}:{level}" for code in codes for level in levels],
            "spending_references": list(fitted.values["references"]),
        }

    def _places(self, view: CutView, categories: list[str]) -> NDArray[np.int64]:
        """Return [E] place of each event's category, the last for all others."""
        codes = view.events.category_codes(categories)
        return np.where(codes > 0, codes - 1, len(categories))

    def _edges(
        self, place: NDArray[np.int64], amount: NDArray[np.int64], categories: int
    ) -> NDArray[np.int64]:
        """Return order statistics of each category's amounts, shape (categories, levels - 1)."""
        levels = self.parameters.amount_levels
        edges = np.zeros((categories, levels - 1), np.int64)
        for category in range(categories):
            ordered = np.sort(amount[place == category])
            if len(ordered):
                edges[category] = ordered[np.arange(1, levels) * len(ordered) // levels]
        return edges

    def _counts(self, view: CutView, fitted: Fitted, period: NDArray[np.bool_]) -> sparse.csr_array:
        """Return events by customer and cell, int64, cells ascending."""
        events, edges = view.events, fitted.arrays["edges"]
        told = consuming(events, self.bank) & period
        place = self._places(view, list(fitted.values["categories"]))[told]
        level = (events.amount[told][:, None] >= edges[place]).sum(axis=1)
        cell = place * self.parameters.amount_levels + level
        counts = sparse.coo_array(
            (np.ones(len(cell), np.int64), (events.row[told], cell)),
            shape=(view.rows, len(edges) * self.parameters.amount_levels),
        ).tocsr()
        counts.sum_duplicates()
        return counts

    def _references(self, view: CutView, fitted: Fitted) -> tuple[list[str], NDArray[np.float64]]:
        counts = self._counts(view, fitted, np.ones(len(view.events.row), bool))
        found = view.query(
            "SELECT row, segment FROM customer_months WHERE back = 0 AND segment IS NOT NULL"
        )
        members = {EVERYONE: np.arange(view.rows)}
        for segment in sorted(set(found["segment"])):
            members[f"segment:{segment}"] = found["row"][found["segment"] == segment]
        sums = {name: np.asarray(counts[rows].sum(axis=0)) for name, rows in members.items()}
        told = {name: summed for name, summed in sums.items() if summed.sum()}
        shares = [summed / summed.sum() for summed in told.values()]
        return list(told), np.array(shares, np.float64).reshape(len(told), counts.shape[1])
