"""Group 17: which of the most common transaction categories the customer used."""

import numpy as np

from configs.settings.generators.plain import MccMultihotParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank, Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.vocabulary import common, safe_names

OTHER = "other_mcc"


@GENERATORS.register("mcc_multihot")
class MccMultihot(Generator[MccMultihotParameters]):
    """One column for each of the top categories of the fit sample, and one for all others."""

    def __init__(self, parameters: MccMultihotParameters, bank: Bank) -> None:
        super().__init__(parameters, bank)
        directions = ", ".join(f"'{direction}'" for direction in bank.category_directions)
        self._uses = (
            "SELECT row, category AS value FROM transactions "
            f"WHERE category IS NOT NULL AND direction IN ({directions})"
        )

    def fit(self, view: CutView) -> Fitted:
        """Learn the top categories by number of customers."""
        return Fitted({"categories": common(view, self._uses, most=self.parameters.top)})

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the top categories, most common first, and the rest."""
        names = safe_names("mcc_", fitted.values["categories"])
        return tuple(Column(name, kind="binary") for name in (*names, OTHER))

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, categories + 1)."""
        codes = list(fitted.values["categories"])
        # One bit a category, joined by OR: one pass over the events whatever the width.
        found = view.query(
            f"""WITH top AS (
                  SELECT unnest($codes::VARCHAR[]) AS value,
                    unnest($places::INTEGER[]) AS place
                )
                SELECT row, bit_or(CAST(1 AS BIGINT) << coalesce(place, $other)) AS bits
                FROM ({self._uses}) LEFT JOIN top USING (value) GROUP BY row""",
            codes=codes,
            places=list(range(len(codes))),
            other=len(codes),
        )
        values = np.zeros((view.rows, len(codes) + 1), np.float32)
        bits = found["bits"].astype(np.int64)
        for place in range(len(codes) + 1):
            values[found["row"], place] = (bits >> place) & 1
        return values
