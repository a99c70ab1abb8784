"""Customer-item incidence: the edges of the customer-merchant-product graph."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from configs.settings.generators.tensors import IncidenceParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted, SideTensor
from training_jobs.features.registry import TENSORS
from training_jobs.features.tensors.lists import list_array, list_of
from training_jobs.features.vocabulary import common

FIELDS = (
    pa.field("items", list_of(pa.int32())),
    pa.field("weights", list_of(pa.float32())),
)
VISITS = {
    "merchant": "SELECT row, merchant AS value FROM transactions WHERE merchant IS NOT NULL",
    "category": "SELECT row, category AS value FROM transactions WHERE category IS NOT NULL",
}
SQL = """
    WITH known AS (
      SELECT unnest($codes::VARCHAR[]) AS item, unnest($places::INTEGER[]) AS place
    ), touched AS ({edges})
    SELECT row, place, weight FROM touched JOIN known USING (item) ORDER BY row, place
"""


@TENSORS.register("incidence")
class Incidence(SideTensor[IncidenceParameters]):
    """Products held at `as_of` (weight 1) and merchants visited (log of 1 + visits).

    The vocabulary holds the whole catalogue and the fitted merchants, so a customer never seen
    before has edges to known items: the graph is inductive. A bank without merchants has the
    configured kind in their place.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn the item vocabulary; products come from the catalogue, in its order."""
        items: list[str] = []
        kinds: list[str] = []
        for kind in self.parameters.kinds:
            if kind == "product":
                found = [product.code for product in self.bank.products]
            else:
                found = self._common(view, kind)
                if not found and kind == "merchant" and self.parameters.without_merchants:
                    kind = self.parameters.without_merchants
                    found = self._common(view, kind)
            items += [f"{kind}:{code}" for code in found]
            kinds += [kind] if found else []
        return Fitted({"items": items, "kinds": kinds})

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare the two lists."""
        del fitted
        return FIELDS

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return ascending item indices and their weights."""
        edges = [self._edges(kind) for kind in fitted.values["kinds"]]
        if not edges:
            nothing = np.zeros(view.rows, np.int64)
            return tuple(
                list_array(np.zeros(0), nothing, field.type.value_type) for field in FIELDS
            )
        items = list(fitted.values["items"])
        found = view.query(
            SQL.format(edges=" UNION ALL ".join(edges)),
            codes=items,
            places=list(range(len(items))),
        )
        lengths = np.bincount(found["row"].astype(np.int64), minlength=view.rows)
        return (
            list_array(found["place"].astype(np.int64), lengths, pa.int32()),
            list_array(found["weight"].astype(np.float64), lengths, pa.float32()),
        )

    def vocabularies(self, fitted: Fitted) -> Mapping[str, list[str]]:
        """Return the items as `<kind>:<code>`."""
        return {"items": list(fitted.values["items"])}

    def _common(self, view: CutView, kind: str) -> list[str]:
        return common(
            view,
            VISITS[kind],
            most=self.parameters.max_items,
            least_customers=self.parameters.min_customers,
        )

    def _edges(self, kind: str) -> str:
        if kind == "product":
            return (
                "SELECT DISTINCT row, 'product:' || product AS item, CAST(1 AS DOUBLE) AS weight "
                "FROM holdings WHERE back = 0"
            )
        return (
            f"SELECT row, '{kind}:' || value AS item, ln(CAST(count(*) AS DOUBLE) + 1) AS weight "
            f"FROM ({VISITS[kind]}) GROUP BY row, value"
        )
