"""Group 1: who the customer is at `as_of`, five numbers and six codes."""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.plain import DemographicsParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.vocabulary import common

MISSING = 0
ENCODED = {
    "gender": "SELECT row, gender AS value FROM customers",
    "segment": "SELECT row, segment AS value FROM customer_months WHERE back = 0",
    "channel": "SELECT row, channel AS value FROM customer_months WHERE back = 0",
    "region": "SELECT row, region AS value FROM customer_months WHERE back = 0",
    "active": "SELECT row, CAST(active AS VARCHAR) AS value FROM customer_months WHERE back = 0",
}
NUMERIC = """
    WITH now AS (
      SELECT row, any_value(segment) AS segment, any_value(income) AS income
      FROM customer_months WHERE back = 0 GROUP BY row
    ), past AS (
      SELECT m.row,
        arg_max(m.income, m.back) FILTER (m.income IS NOT NULL) AS first_income,
        max(m.back) FILTER (m.income IS NOT NULL) AS first_back,
        coalesce(
          min(m.back) FILTER (m.segment IS DISTINCT FROM n.segment), max(m.back) + 1
        ) AS same
      FROM customer_months m JOIN now n USING (row) GROUP BY m.row
    )
    SELECT row,
      $year - birth_year AS age,
      date_diff('month', joined_on, $as_of) AS tenure_months,
      now.income AS income,
      CASE WHEN first_back > 0 AND first_income > 0
        THEN CAST(now.income - first_income AS DOUBLE) / first_income END AS income_change,
      CASE WHEN now.segment IS NOT NULL THEN same END AS segment_months
    FROM customers LEFT JOIN now USING (row) LEFT JOIN past USING (row)
"""
LOGGED = {"income"}


@GENERATORS.register("demographics")
class Demographics(Generator[DemographicsParameters]):
    """Numbers as recorded; codes 0 = missing, 1.. = vocabulary by frequency, the last = other."""

    def fit(self, view: CutView) -> Fitted:
        """Learn the vocabularies and the edges of the income bands."""
        vocabularies = {
            name: common(view, ENCODED[name], most=self.parameters.max_categories)
            for name in self.parameters.encoded
            if name in ENCODED
        }
        return Fitted({"vocabularies": vocabularies, "income_edges": self._income_edges(view)})

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare numbers, then codes."""
        numeric = [Column(name, log=name in LOGGED) for name in self.parameters.numeric]
        encoded = [
            Column(name, kind="categorical", cardinality=self._cardinality(name, fitted))
            for name in self.parameters.encoded
        ]
        return (*numeric, *encoded)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, numeric + encoded)."""
        numbers = view.scatter(
            NUMERIC, self.parameters.numeric, as_of=view.as_of, year=view.as_of.year
        )
        codes = [self._codes(name, view, fitted) for name in self.parameters.encoded]
        return np.column_stack([numbers, *codes]).astype(np.float32)

    def _income_edges(self, view: CutView) -> list[float]:
        incomes = np.sort(
            view.query("SELECT income FROM customer_months WHERE back = 0 AND income IS NOT NULL")[
                "income"
            ]
        )
        if not len(incomes):
            return []
        bands = self.parameters.income_bands
        places = np.arange(1, bands) * len(incomes) // bands
        return sorted({float(incomes[place]) for place in places})

    def _cardinality(self, name: str, fitted: Fitted) -> int:
        if name == "income_band":
            return len(fitted.values["income_edges"]) + 2
        return len(fitted.values["vocabularies"][name]) + 2

    def _codes(self, name: str, view: CutView, fitted: Fitted) -> NDArray[np.float64]:
        codes = np.full(view.rows, float(MISSING))
        if name == "income_band":
            found = view.query(
                "SELECT row, income FROM customer_months WHERE back = 0 AND income IS NOT NULL"
            )
            edges = np.array(fitted.values["income_edges"])
            bands = np.searchsorted(edges, found["income"], side="right")
            codes[found["row"].astype(np.int64)] = bands + 1
            return codes
        vocabulary = {
            value: place + 1 for place, value in enumerate(fitted.values["vocabularies"][name])
        }
        found = view.query(f"SELECT * FROM ({ENCODED[name]}) WHERE value IS NOT NULL")
        other = len(vocabulary) + 1
        codes[found["row"].astype(np.int64)] = [
            vocabulary.get(str(value), other) for value in found["value"]
        ]
        return codes
