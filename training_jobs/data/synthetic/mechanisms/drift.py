"""The month's larger amounts move from basic to premium categories."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State

_LEAN = 1.6


class Drift(Mechanism):
    """While on, amounts are dealt by tier: the joint distribution moves, the marginals stay.

    Categories are untouched and the month's set of amounts (relative to each category's usual
    one) is only dealt in another order.
    """

    name = "drift"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        batch.lean[on] += _LEAN * state.market.tier[batch.category[on]]
