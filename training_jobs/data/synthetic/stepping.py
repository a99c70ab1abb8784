"""One month of the hidden simulation: situations, spells, products. Events follow from it."""

from training_jobs.data.synthetic.products import ProductEvents, acquire, close, record_adoption
from training_jobs.data.synthetic.situations import evolve
from training_jobs.data.synthetic.spells import advance_spells
from training_jobs.data.synthetic.state import State


def advance(state: State, month: int) -> tuple[list[ProductEvents], ProductEvents]:
    """Move the block to `month`, in place; return what was acquired and what was closed.

    No card event is read: the latent path of a block can be made again without them.
    """
    state.month = month
    evolve(state)
    advance_spells(state)
    before = state.held.copy()
    gained = acquire(state)
    lost = close(state, before)
    record_adoption(state, gained)
    return gained, lost
