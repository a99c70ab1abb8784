"""The few rare categories that a customer likes: below a few prefixes, or below one."""

import numpy as np

from training_jobs.data.synthetic.random import Ints, Stream
from training_jobs.data.synthetic.state import State

_INDEX = 1000
"""First index of these draws among those of habits."""


def favourites(state: State) -> Ints:
    """Return [2, n, k] category indices: the control's favourites, and those below one prefix.

    Every code is equally likely in both, so that no count of a code tells them apart. Favourites
    change every so many months, in each customer's own month.
    """
    taste = state.settings.traces.tree_taste
    codes = state.couplings.favourites
    prefixes, size = codes.shape
    ids = state.people.ids
    epoch = (state.month + ids % taste.months) // taste.months
    base = _INDEX + 256 * epoch[:, None]

    def keys(count: int, first: int) -> np.ndarray:
        index = base + first + np.arange(count)[None, :]
        drawn: np.ndarray = state.draws.uniform(Stream.HABITS, ids[:, None], index=index)
        return drawn

    branch = np.argsort(keys(prefixes, 0), axis=1, kind="stable")[:, : taste.control_branches]
    each = taste.favourites // taste.control_branches
    orders = [
        np.argsort(keys(size, 16 * (1 + number)), axis=1, kind="stable")
        for number in range(taste.control_branches)
    ]
    spread = np.concatenate(
        [codes[branch[:, [place]], order[:, :each]] for place, order in enumerate(orders)], axis=1
    )
    together = codes[branch[:, :1], orders[0][:, : taste.favourites]]
    return np.stack([spread, together])
