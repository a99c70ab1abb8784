"""The event tensor: each customer's last events, newest first."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from configs.settings.generators.tensors import EventTensorParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.tensors.lists import list_array, list_of
from training_jobs.features.vocabulary import common

MICROSECONDS_A_DAY = 86_400_000_000
FIELDS = (
    pa.field("amount", list_of(pa.float32())),
    pa.field("category", list_of(pa.int16())),
    pa.field("gap_days", list_of(pa.float32())),
    pa.field("hour", list_of(pa.int8())),
)


@TENSORS.register("event_tensor")
class EventTensor(SideTensor[EventTensorParameters]):
    """Amount, category, day gap and hour of the last events.

    `amount` is log(1 + minor units), negative for debits; `category` is 1 + the index in the
    vocabulary, 0 = outside it; `gap_days` is the time to the next newer event, of the newest to
    the end of `as_of`.
    """

    @property
    def length(self) -> int:
        """Most events of one customer."""
        return self.parameters.length

    def fit(self, view: CutView) -> Fitted:
        """Learn the category vocabulary."""
        categories = common(
            view,
            "SELECT row, category AS value FROM transactions",
            most=self.parameters.categories,
            least_customers=self.parameters.min_customers,
        )
        return Fitted({"categories": categories})

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare the four lists."""
        del fitted
        return FIELDS

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return four lists of at most `length` items a row."""
        events = view.events
        kept = np.flatnonzero(events.newest < self.parameters.length)
        # The history runs from old to new; within a customer the newest comes first here.
        order = kept[np.lexsort((events.newest[kept], events.row[kept]))]
        newest = events.newest[order]
        stamps = events.microsecond[order]
        end = (np.datetime64(view.as_of) + 1).astype("datetime64[us]").astype(np.int64)
        newer = np.where(newest == 0, end, np.roll(stamps, 1))
        size = np.log1p(events.amount[order].astype(np.float64))
        columns = (
            np.where(events.debit[order], -size, size),
            events.category_codes(fitted.values["categories"])[order],
            (newer - stamps) / MICROSECONDS_A_DAY,
            events.hour[order],
        )
        lengths = np.minimum(events.counts, self.parameters.length)
        return tuple(
            list_array(values, lengths, field.type.value_type)
            for values, field in zip(columns, FIELDS, strict=True)
        )

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return the categories; the index in the lists is one higher."""
        return {"categories": list(fitted.values["categories"])}
