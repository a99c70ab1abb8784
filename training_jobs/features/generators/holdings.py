"""Groups 2, 4 and 16: what is held at `as_of`, what was taken up and given up before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.plain import (
    AcquisitionHistoryParameters,
    DerivedTemporalParameters,
    ProductHoldingsParameters,
)
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank, Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.vocabulary import safe_names


@dataclass(frozen=True)
class HoldingsHistory:
    """Month by month holdings inside the look-back; month axis = months back from `as_of`.

    Attributes:
        held: bool (rows, months, products).
        observed: bool (rows, months): the bank has a record of the customer in that month.
    """

    held: NDArray[np.bool_]
    observed: NDArray[np.bool_]

    @property
    def acquired(self) -> NDArray[np.bool_]:
        """Held in a month, not in the one before, both observed: (rows, months - 1, products)."""
        return self.held[:, :-1] & ~self.held[:, 1:] & self._both

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Held in the month before and no longer, both observed; (rows, months - 1, products)."""
        return ~self.held[:, :-1] & self.held[:, 1:] & self._both

    @property
    def _both(self) -> NDArray[np.bool_]:
        both = np.logical_and(self.observed[:, :-1], self.observed[:, 1:])
        return both.reshape(*both.shape, 1)


def holdings_history(view: CutView, bank: Bank) -> HoldingsHistory:
    """Return the holdings of a view, read once for all groups.

    A month counts as observed when the customer has a monthly row in it; a customer without any
    monthly row is observed from the first month with a holding.
    """
    return view.once(("holdings", bank.products), lambda: _read_history(view, bank))


def _read_history(view: CutView, bank: Bank) -> HoldingsHistory:
    months = bank.lookback_months
    codes = [product.code for product in bank.products]
    held = np.zeros((view.rows, months, len(codes)), bool)
    found = view.query(
        """SELECT row, back, list_position($codes::VARCHAR[], product) AS place
           FROM holdings WHERE list_contains($codes::VARCHAR[], product)""",
        codes=codes,
    )
    held[found["row"], found["back"], found["place"].astype(np.int64) - 1] = True
    observed = np.zeros((view.rows, months), bool)
    monthly = view.query("SELECT row, back FROM customer_months")
    observed[monthly["row"], monthly["back"]] = True
    # From the month of the first holding on: months back run from new to old.
    held_since = np.flip(np.maximum.accumulate(np.flip(held.any(axis=2), axis=1), axis=1), axis=1)
    unrecorded = ~observed.any(axis=1)
    observed[unrecorded] = held_since[unrecorded]
    return HoldingsHistory(held, observed)


@GENERATORS.register("product_holdings")
class ProductHoldings(Generator[ProductHoldingsParameters]):
    """One column a product of the catalogue: held at `as_of`."""

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the products in catalogue order."""
        del fitted
        names = safe_names("hold_", [product.code for product in self.bank.products])
        return tuple(Column(name, kind="binary") for name in names)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, products)."""
        del fitted
        return holdings_history(view, self.bank).held[:, 0].astype(np.float32)


@GENERATORS.register("acquisition_history")
class AcquisitionHistory(Generator[AcquisitionHistoryParameters]):
    """One column a product of the catalogue: taken up inside the look-back."""

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the products in catalogue order."""
        del fitted
        names = safe_names("acquired_", [product.code for product in self.bank.products])
        return tuple(Column(name, kind="binary") for name in names)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, products)."""
        del fitted
        acquired = holdings_history(view, self.bank).acquired
        return np.asarray(acquired.any(axis=1), np.float32)


@GENERATORS.register("derived_temporal")
class DerivedTemporal(Generator[DerivedTemporalParameters]):
    """Products taken up and given up, months observed, entropy of the product groups held."""

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        del view
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare the four columns."""
        del fitted
        return (
            Column("acquisitions"),
            Column("closures"),
            Column("months_observed"),
            Column("holding_diversity"),
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 4)."""
        del fitted
        history = holdings_history(view, self.bank)
        months = history.observed.sum(axis=1)
        values = [
            history.acquired.sum(axis=(1, 2)),
            history.closed.sum(axis=(1, 2)),
            months,
            self._entropy(history.held),
        ]
        return np.column_stack(values).astype(np.float32)

    def _entropy(self, held: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Entropy in nats of product-months over groups; NaN where nothing was held.

        Logarithms are looked up by integer count, so that a value cannot depend on where its row
        stands in a vectorised call.
        """
        groups = sorted({product.group for product in self.bank.products})
        of_product = np.array([groups.index(product.group) for product in self.bank.products])
        product_months = held.sum(axis=1)
        total = product_months.sum(axis=1)
        largest = held.shape[1] * held.shape[2]
        counts = np.arange(largest + 1, dtype=np.float64)
        xlogx = counts * np.log(np.maximum(counts, 1.0))
        spread = np.zeros(len(total))
        for group in range(len(groups)):
            spread = spread + xlogx[product_months[:, of_product == group].sum(axis=1)]
        safe_total = np.maximum(total, 1)
        entropy = (xlogx[safe_total] - spread) / safe_total
        return np.where(total > 0, entropy, np.nan)
