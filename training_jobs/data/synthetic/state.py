"""The moving state of a block: hidden situations, attributes, holdings and what is on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.couplings_table import Couplings
from training_jobs.data.synthetic.merchants import Market
from training_jobs.data.synthetic.population import Population
from training_jobs.data.synthetic.random import Draws, Floats, Ints

Bools = np.ndarray


@dataclass
class State:
    """State of n customers at one month of the simulation; simulation changes it in place.

    Attributes:
        month: month number, burn-in included, from 0.
        engagement: 0 dormant, 1 low, 2 usual, 3 high.
        lifecycle: 0 student, 1 early career, 2 family, 3 established, 4 retired.
        value: latent standard normal that moves slowly; segments follow it.
        consumption: spending archetype.
        segment: observed segment, reviewed every quarter.
        income: declared yearly income in won.
        pay: true yearly pay in won, what salary credits are made of.
        on: (n, mechanisms) whether each mechanism is on.
        until: (n, mechanisms) first month in which it is off again.
        held: (n, products) holdings at the end of the month.
        hazard: (n, targets) this month's hazards, all causes added; groups by name, then closing.
        adoption: (months, communities) share of members who acquired a product, by month.
        couplings: how amounts and categories go together.
        phase: angle of the loop at the customer's latest event.
        swing: complex state of the AR(2) control at the customer's latest event.
    """

    settings: BankSettings
    catalogue: Catalogue
    market: Market
    people: Population
    draws: Draws
    month: int
    engagement: Ints
    lifecycle: Ints
    value: Floats
    consumption: Ints
    segment: Ints
    channel: Ints
    region: Ints
    income: Floats
    pay: Floats
    on: Bools
    until: Ints
    held: Bools
    hazard: Floats
    adoption: Floats
    wave_until: Ints
    couplings: Couplings
    phase: Floats
    swing: NDArray[np.complex128]

    @property
    def size(self) -> int:
        """Number of customers n."""
        return len(self.people.ids)

    @property
    def present(self) -> Bools:
        """Whether each customer has joined."""
        present: Bools = self.people.joined <= self.month
        return present

    @property
    def years(self) -> Floats:
        """Age in years at this month."""
        return self.people.age + (self.month - self.settings.burn_in_months) / 12.0
