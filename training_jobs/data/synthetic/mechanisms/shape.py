"""A closed loop in event time: amounts swing with a steady period of 5 to 8 events."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State

_STEADY = 0.08


class Shape(Mechanism):
    """While on, the oscillation of the amounts is steady; the control's phase wanders.

    The month's amounts are only dealt to its events in another order, so the marginal
    distribution is the control's.
    """

    name = "shape"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        del state
        batch.tempo[on] = _STEADY
