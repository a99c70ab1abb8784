"""A rise in pay, then spending, then an upgrade; beside it a proxy whose link breaks."""

import numpy as np

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.random import Floats
from training_jobs.data.synthetic.state import Bools, State

_RAISE = 1.18
_SPENDING = 1.3
_PROXY_CHANNEL = 1
_PROXY_START = 0.8
_PROXY_BREAK = 20
"""Observed month number from which the proxy has no link."""


class Cause(Mechanism):
    """Pay rises when the spell starts; spending follows while it lasts.

    The proxy (mobile payments) follows the spell with a link that weakens month by month and is
    gone before the last as_of; given pay and spending it says nothing about the label.
    """

    name = "cause"

    def start_weight(self, state: State) -> Floats:
        """See the base class: those with a salary credit, and not the retired."""
        working = (state.lifecycle > 0) & (state.lifecycle < 4)
        return np.where(working, 1.35, 0.05)

    def begin(self, state: State, starting: Bools) -> None:
        """See the base class."""
        state.pay = np.where(starting, state.pay * _RAISE, state.pay)

    def paint(self, state: State, batch: EventBatch, on: Bools) -> None:
        """See the base class."""
        batch.scale[on] *= _SPENDING
        observed = state.month - state.settings.burn_in_months
        link = _PROXY_START * np.clip(1 - max(observed, 0) / _PROXY_BREAK, 0, 1)
        follows = on & (batch.uniforms[1] < link)
        batch.channel[follows] = _PROXY_CHANNEL
