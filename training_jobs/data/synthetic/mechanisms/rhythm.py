"""An order of categories: the four events of an outing come in the motif's order."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State


class Rhythm(Mechanism):
    """While on, outings follow the motif; the control has the same four in another order.

    Counts over any window are equal by construction: each outing has each category once.
    """

    name = "rhythm"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        motif = np.array([state.market.index(code) for code in state.settings.motif])
        follow = batch.outing & on
        batch.category[follow] = motif[batch.place[follow]]
