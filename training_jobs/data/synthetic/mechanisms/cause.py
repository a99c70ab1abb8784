"""A rise in pay, then spending, then an upgrade; beside it a proxy whose link breaks."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.state import Bools, State

_PROXY_CHANNEL = 1


def proxy_link(state: State) -> float:
    """Return the chance that an event of a spell goes through the proxy channel this month.

    It weakens from the first observed month, and from the breaking month on there is none.
    """
    trace = state.settings.traces.cause
    observed = 1 + max(0, state.month - state.settings.burn_in_months)
    if observed >= trace.proxy_breaks:
        return 0.0
    return trace.proxy_link * (1 - trace.proxy_fading * (observed - 1) / trace.proxy_breaks)


class Cause(Mechanism):
    """Pay rises when the spell starts; spending follows while it lasts.

    The proxy (mobile payments) follows the spell with a link that weakens month by month and is
    gone before the last as_of; given pay and spending it says nothing about the label.
    """

    name = "cause"

    def begin(self, state: State, starting: Bools) -> None:
        """See the base class."""
        rise = state.settings.traces.cause.pay_rise
        state.pay = np.where(starting, state.pay * rise, state.pay)

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        batch.scale[on] *= state.settings.traces.cause.spending
        follows = on & (batch.uniforms[1] < proxy_link(state))
        batch.channel[follows] = _PROXY_CHANNEL
