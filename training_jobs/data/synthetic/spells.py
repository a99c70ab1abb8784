"""Mechanisms going on and off."""

import numpy as np

from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.random import Stream
from training_jobs.data.synthetic.state import State


def advance_spells(state: State) -> None:
    """End spells that are over and start new ones for this month, in place."""
    numbers = np.arange(len(MECHANISMS))
    ids = state.people.ids[:, None]
    starts = state.draws.uniform(Stream.SPELL, ids, month=state.month, index=numbers)
    lengths = state.draws.uniform(Stream.SPELL_LENGTH, ids, month=state.month, index=numbers)
    for number, mechanism in enumerate(MECHANISMS):
        spell = state.settings.spells[mechanism.name]  # type: ignore[index]
        # At least one month lies between two spells, so that none is longer than its settings say.
        off = state.until[:, number] < state.month
        rate = spell.start_rate * mechanism.start_weight(state)
        starting = off & (starts[:, number] < rate)
        span = spell.max_months - spell.min_months + 1
        months = spell.min_months + np.floor(lengths[:, number] * span).astype(np.int64)
        state.until[:, number] = np.where(starting, state.month + months, state.until[:, number])
        mechanism.begin(state, starting)
    state.on = state.until > state.month
