"""What a mechanism is: a spell that may start, and a trace it leaves in the events."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from training_jobs.data.synthetic.random import Floats, Ints
from training_jobs.data.synthetic.state import Bools, State


@dataclass
class EventBatch:
    """Card events of one month, in customer and time order; mechanisms change it in place.

    Attributes:
        row: row of the customer in the block.
        index: number of the event within the customer's month.
        category: category index, -1 where it is yet to be dealt with the amount.
        outing: whether the event is one of the four of an outing.
        place: 0..3, its place in the outing.
        channel: index into `events.EVENT_CHANNELS`.
        steady: whether the amounts go round a loop rather than follow the control.
        leaning: whether large amounts lean to premium categories.
        homely: whether the customer's favourites lie in one branch of the category tree.
        scale: factor on the amount.
        uniforms: four arrays of uniforms that only mechanisms use.
    """

    row: Ints
    index: Ints
    category: Ints
    outing: Bools
    place: Ints
    channel: Ints
    steady: Bools
    leaning: Bools
    homely: Bools
    scale: Floats
    uniforms: list[Floats]


class Mechanism:
    """A cause of acquiring or closing, on in spells."""

    name: ClassVar[str]

    def start_weight(self, state: State) -> Floats:
        """Return how much likelier than average each customer is to start a spell, shape (n,)."""
        return np.ones(state.size)

    def begin(self, state: State, starting: Bools) -> None:
        """Change the state of customers whose spell starts this month."""
        del state, starting

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """Leave the trace in the month's events. `on` is per event."""
        del state, batch, on
