"""Dealing an amount and a category to every card event, by the rank of its amount."""

import numpy as np

from training_jobs.data.synthetic.couplings_table import FAVOURITE
from training_jobs.data.synthetic.favourites import favourites
from training_jobs.data.synthetic.mechanisms.base import EventBatch
from training_jobs.data.synthetic.random import Floats, Stream
from training_jobs.data.synthetic.state import State


def deal(state: State, batch: EventBatch, level: Floats) -> Floats:
    """Return [e] log amounts, and give events without a category the one that goes with it.

    Args:
        state: the block.
        batch: the month's events; `category` is completed in place.
        level: [e] rank of each amount in (0, 1).
    """
    tables = state.couplings
    archetype = state.consumption[batch.row]
    steps = tables.quantile.shape[1] - 1
    place = np.minimum((level * steps).astype(np.int64), steps - 1)
    lower, upper = tables.quantile[archetype, place], tables.quantile[archetype, place + 1]
    amount: Floats = lower + (level * steps - place) * (upper - lower)

    open_ = np.flatnonzero(batch.category < 0)
    ids = state.people.ids[batch.row[open_]]
    what = state.draws.four(Stream.EVENT, ids, month=state.month, index=batch.index[open_])
    bins = tables.chance.shape[2]
    band = np.minimum((level[open_] * bins).astype(np.int64), bins - 1)
    chance = tables.chance[batch.leaning[open_].astype(np.int64), archetype[open_], band]
    kind = (chance < what[0][:, None]).sum(axis=1)
    category = tables.category[np.minimum(kind, len(tables.category) - 1)]

    own = favourites(state)
    which = np.floor(what[3] * own.shape[2]).astype(np.int64)
    favourite = own[batch.homely[open_].astype(np.int64), batch.row[open_], which]
    batch.category[open_] = np.where(category == FAVOURITE, favourite, category)
    return amount
