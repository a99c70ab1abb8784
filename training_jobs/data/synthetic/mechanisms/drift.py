"""The joint distribution of category and amount moves from basic to premium."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State


class Drift(Mechanism):
    """While on, large amounts are spent in premium categories and small ones in basic ones.

    Both couplings of category and amount have the same marginals (`couplings.py`): mean,
    deviation and category shares stay what they were.
    """

    name = "drift"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        del state
        batch.leaning[on] = True
