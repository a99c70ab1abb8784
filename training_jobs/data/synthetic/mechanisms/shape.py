"""A closed loop in event time: amounts go round with a period of 5 to 8 events."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State


class Shape(Mechanism):
    """While on, the amounts go round a loop of fixed amplitude and jittered period.

    The control is an AR(2) series of equal autocorrelation, and both are ranks of the same
    distribution of amounts (`swing.py`), so neither a spectrum nor a histogram tells them apart.
    """

    name = "shape"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        del state
        batch.steady[on] = True
