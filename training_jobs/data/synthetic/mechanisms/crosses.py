"""Two pairwise checkerboards of attributes: nothing shows in one attribute alone."""

import numpy as np

from configs.settings.simulation import CrossesTrace
from training_jobs.data.synthetic.mechanisms.base import Mechanism
from training_jobs.data.synthetic.population import REGION_SHARES
from training_jobs.data.synthetic.random import Floats, Ints
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


def sides(
    trace: CrossesTrace, *, income: Floats, channel: Ints, segment: Ints, region: Ints
) -> dict[str, Floats]:
    """Return the side, +1 or -1, of each attribute of the boards, uncentred."""
    band = np.digitize(income, trace.income_bounds)
    return {
        "income": np.where(band % 2 == 0, 1.0, -1.0),
        "channel": _CHANNEL_SIGN[channel],
        "segment": _SEGMENT_SIGN[segment],
        "region": _REGION_SIGN[region],
    }


def board_factors(
    trace: CrossesTrace, *, income: Floats, channel: Ints, segment: Ints, region: Ints
) -> tuple[Floats, Floats]:
    """Return what each board, double-centred, multiplies the start of a spell by.

    The boards are income band x channel and segment x region. Taking the mean side off both
    attributes of a board leaves each of them without an effect of its own.
    """
    uncentred = sides(trace, income=income, channel=channel, segment=segment, region=region)
    side = {name: uncentred[name] - centre for name, centre in trace.centres.items()}
    first = 1 + trace.contrast * side["income"] * side["channel"]
    second = 1 + trace.contrast * side["segment"] * side["region"]
    return np.maximum(first, 0.0), np.maximum(second, 0.0)


class Crosses(Mechanism):
    """Spells start mostly where both boards are positive."""

    name = "crosses"

    def start_weight(self, state: State) -> Floats:
        """See the base class."""
        first, second = board_factors(
            state.settings.traces.crosses,
            income=state.income,
            channel=state.channel,
            segment=state.segment,
            region=state.region,
        )
        weight: Floats = first * second
        return weight
