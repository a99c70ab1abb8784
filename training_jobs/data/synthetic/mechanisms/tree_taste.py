"""A taste for one branch of the category tree, through another code for each customer."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State

_SHARE = 0.30


class TreeTaste(Mechanism):
    """While on, part of the spending goes to the customer's own code below the prefix."""

    name = "tree_taste"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        prefix = state.settings.taste_prefix
        branch = np.array(
            [place for place, code in enumerate(state.market.codes) if code.startswith(prefix)]
        )
        own = branch[(state.people.ids * 7 + state.people.community) % len(branch)]
        chosen = on & ~batch.outing & (batch.uniforms[0] < _SHARE)
        batch.category[chosen] = own[batch.row[chosen]]
