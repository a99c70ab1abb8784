"""Group 14: the customer's last events side by side, a view of the event tensor."""

from configs.settings.generators.plain import LagTensorParameters
from training_jobs.features.generator import Column, TensorView
from training_jobs.features.reading import Place
from training_jobs.features.registry import GENERATORS

LOGGED = {"gap_days"}


@GENERATORS.register("txn_lag_tensor")
class LagTensor(TensorView[LagTensorParameters]):
    """Item n of every field: column `lag_<field>_<n>` is the n-th newest event's, n from 1.

    Nothing is stored twice: the columns are read from the side tensor. As there, an amount is the
    signed logarithm and a category its rank by the number of fit customers who use it (0 = rare).
    """

    @property
    def tensor(self) -> str:
        """Name of the side tensor."""
        return self.parameters.tensor

    def columns(self) -> tuple[tuple[Column, Place], ...]:
        """Declare fields x events columns, field by field, newest event first."""
        return tuple(
            (
                Column(f"lag_{field}_{item + 1}", log=field in LOGGED),
                Place(self.parameters.tensor, field, item),
            )
            for field in self.parameters.fields
            for item in range(self.parameters.events)
        )
