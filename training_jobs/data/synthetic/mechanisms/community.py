"""Adoption that spreads among customers who share merchants."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import Mechanism
from training_jobs.data.synthetic.random import Floats, Stream
from training_jobs.data.synthetic.state import State

LAG = 3
"""Months between adoption in the community and its effect."""
_WAVE_MONTHS = 12
_WAVE_SHARE = 0.10
_SUSCEPTIBLE = 0.7
_USUAL_ADOPTION = 0.06
"""Share of members who acquire anything in a usual month."""


class Community(Mechanism):
    """Waves run through communities; a wave starts where adoption was high `LAG` months ago."""

    name = "community"

    def start_weight(self, state: State) -> Floats:
        """See the base class."""
        local = state.people.community - state.people.community[0]
        number = np.unique(state.people.community)
        past = state.month - LAG
        lagged = state.adoption[past] if past >= 0 else np.full(len(number), _USUAL_ADOPTION)
        pull = 0.4 + 0.6 * np.minimum(lagged / _USUAL_ADOPTION, 4.0)
        rate = _WAVE_SHARE / ((1 - _WAVE_SHARE) * _WAVE_MONTHS) * pull
        uniform = state.draws.uniform(Stream.WAVE, number, month=state.month)
        calm = state.wave_until <= state.month
        state.wave_until = np.where(
            calm & (uniform < rate), state.month + _WAVE_MONTHS, state.wave_until
        )
        wave = state.wave_until > state.month
        weight: Floats = (wave[local] & state.people.susceptible) / (_WAVE_SHARE * _SUSCEPTIBLE)
        return weight
