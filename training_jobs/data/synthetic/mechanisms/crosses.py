"""Two pairwise checkerboards of attributes: nothing shows in one attribute alone."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import Mechanism
from training_jobs.data.synthetic.population import REGIONS
from training_jobs.data.synthetic.random import Floats
from training_jobs.data.synthetic.situations import SEGMENTS
from training_jobs.data.synthetic.state import State

_CHANNEL_SIGN = np.array([-1.0, 1.0, -1.0, 1.0])
_SEGMENT_SIGN = np.array([1.0, -1.0, 1.0, -1.0])
_REGION_SIGN = np.where(np.arange(len(REGIONS)) % 2 == 0, 1.0, -1.0)
_INCOME_BANDS = np.array([26e6, 38e6, 52e6])


def boards(state: State) -> tuple[Floats, Floats]:
    """Return the two boards, each +1 or -1: income band x channel, segment x region."""
    assert len(_SEGMENT_SIGN) == len(SEGMENTS)
    band = np.where(np.digitize(state.income, _INCOME_BANDS) % 2 == 0, 1.0, -1.0)
    first = band * _CHANNEL_SIGN[state.channel]
    second = _SEGMENT_SIGN[state.segment] * _REGION_SIGN[state.region]
    return first, second


class Crosses(Mechanism):
    """Spells start mostly where both boards are positive."""

    name = "crosses"

    def start_weight(self, state: State) -> Floats:
        """See the base class."""
        first, second = boards(state)
        return np.select([first + second > 1, first + second > -1], [3.2, 0.35], 0.05)
