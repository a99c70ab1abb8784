"""The event tensor: each customer's last events, newest first."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from configs.settings.generators.tensors import EventTensorParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.tensors.lists import list_array, list_of, places_in_row
from training_jobs.features.vocabulary import common

SECONDS_A_DAY = 86_400
FIELDS = (
    pa.field("amount", list_of(pa.float32())),
    pa.field("category", list_of(pa.int16())),
    pa.field("gap_days", list_of(pa.float32())),
    pa.field("hour", list_of(pa.int8())),
)

# Events of the same second are put in order by what they are, since nothing else tells them apart.
SQL = """
    WITH known AS (
      SELECT unnest($codes::VARCHAR[]) AS category, unnest($places::INTEGER[]) AS place
    ), ranked AS (
      SELECT *, row_number() OVER (
          PARTITION BY row ORDER BY ts DESC, amount DESC, direction, category, channel, merchant
        ) AS place_in_row
      FROM transactions
    )
    SELECT row,
      CASE direction WHEN 'debit' THEN -1.0 ELSE 1.0 END * ln(CAST(amount AS DOUBLE) + 1) AS amount,
      coalesce(place, 0) AS category, epoch(ts) AS seconds, hour(ts) AS hour
    FROM ranked LEFT JOIN known USING (category)
    WHERE place_in_row <= $length ORDER BY row, place_in_row
"""


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
        codes = list(fitted.values["categories"])
        found = view.query(
            SQL,
            codes=codes,
            places=list(range(1, len(codes) + 1)),
            length=self.parameters.length,
        )
        rows = found["row"].astype(np.int64)
        seconds = found["seconds"].astype(np.float64)
        end = (np.datetime64(view.as_of) + 1).astype("datetime64[s]").astype(np.int64)
        newer = np.where(places_in_row(rows) == 0, float(end), np.roll(seconds, 1))
        gaps = (newer - seconds) / SECONDS_A_DAY
        lengths = np.bincount(rows, minlength=view.rows)
        columns = (
            found["amount"].astype(np.float64),
            found["category"].astype(np.int64),
            gaps,
            found["hour"].astype(np.int64),
        )
        return tuple(
            list_array(values, lengths, field.type.value_type)
            for values, field in zip(columns, FIELDS, strict=True)
        )

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return the categories; the index in the lists is one higher."""
        return {"categories": list(fitted.values["categories"])}
