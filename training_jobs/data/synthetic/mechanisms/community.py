"""Adoption that spreads among customers who share merchants."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import Mechanism
from training_jobs.data.synthetic.random import Floats, Stream
from training_jobs.data.synthetic.state import State

LAG = 3
"""Months between adoption in the community and its effect; no label window is longer."""
_MOST = 4.0
"""Adoption counts up to so many times the usual one."""


class Community(Mechanism):
    """Waves run through communities; a wave starts where adoption was high `LAG` months ago."""

    name = "community"

    def start_weight(self, state: State) -> Floats:
        """See the base class."""
        trace = state.settings.traces.community
        local = state.people.community - state.people.community[0]
        number = np.unique(state.people.community)
        past = state.month - LAG
        usual = np.full(len(number), trace.usual_adoption)
        lagged = state.adoption[past] if past >= 0 else usual
        pull = 1 - trace.pull + trace.pull * np.minimum(lagged / usual, _MOST)
        rate = trace.share / ((1 - trace.share) * trace.months) * pull
        uniform = state.draws.uniform(Stream.WAVE, number, month=state.month)
        calm = state.wave_until <= state.month
        state.wave_until = np.where(
            calm & (uniform < rate), state.month + trace.months, state.wave_until
        )
        wave = state.wave_until > state.month
        reached = wave[local] & state.people.susceptible
        weight: Floats = reached * trace.start / state.settings.spells["community"].start_rate
        return weight
