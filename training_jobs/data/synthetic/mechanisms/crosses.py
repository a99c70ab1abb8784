"""Two pairwise checkerboards of attributes: nothing shows in one attribute alone."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import Mechanism
from training_jobs.data.synthetic.population import REGION_SHARES
from training_jobs.data.synthetic.random import Floats
from training_jobs.data.synthetic.state import State

_CHANNEL_SIGN = np.array([1.0, 1.0, -1.0, -1.0])
"""Branch and mobile against web and partner: neither side is the digital one, so that a board
does not follow age through the channel."""
_SEGMENT_SIGN = np.array([1.0, -1.0, 1.0, -1.0])


def _balanced_signs(shares: Floats) -> Floats:
    """Return +1 or -1 for each share, the two sides as heavy as can be."""
    signs, weight = np.zeros(len(shares)), {1.0: 0.0, -1.0: 0.0}
    for place in np.argsort(-shares, kind="stable"):
        lighter = 1.0 if weight[1.0] <= weight[-1.0] else -1.0
        signs[place] = lighter
        weight[lighter] += shares[place]
    return signs


_REGION_SIGN = _balanced_signs(REGION_SHARES)


def signs(state: State) -> dict[str, Floats]:
    """Return the side, +1 or -1, of each attribute of the boards, uncentred."""
    band = np.digitize(state.income, state.settings.traces.crosses.income_bounds)
    return {
        "income": np.where(band % 2 == 0, 1.0, -1.0),
        "channel": _CHANNEL_SIGN[state.channel],
        "segment": _SEGMENT_SIGN[state.segment],
        "region": _REGION_SIGN[state.region],
    }


def boards(state: State) -> tuple[Floats, Floats]:
    """Return both boards, double-centred: income band x channel, segment x region."""
    centres = state.settings.traces.crosses.centres
    side = {name: sign - centres[name] for name, sign in signs(state).items()}
    return side["income"] * side["channel"], side["segment"] * side["region"]


class Crosses(Mechanism):
    """Spells start mostly where both boards are positive."""

    name = "crosses"

    def start_weight(self, state: State) -> Floats:
        """See the base class."""
        contrast = state.settings.traces.crosses.contrast
        first, second = boards(state)
        weight: Floats = np.maximum(1 + contrast * first, 0) * np.maximum(1 + contrast * second, 0)
        return weight
