"""A taste for one branch of the category tree, through other codes for each customer."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State


class TreeTaste(Mechanism):
    """While on, the customer's favourite categories lie below one 3-digit prefix.

    The control has as many favourites below as many prefixes, and every code is as often a
    favourite of the one as of the other (`favourites.py`): only the tree above the codes tells.
    """

    name = "tree_taste"

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        del state
        batch.homely[on] = True
