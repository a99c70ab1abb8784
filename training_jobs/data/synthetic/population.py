"""Who the customers of a block are: persona, five propensities, demographics, habits."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.random import Draws, Floats, Ints, Stream, pick, pick_rows

TRAITS = ("wealth", "activity", "risk", "digital", "loyalty")
"""The propensities; standard normal over the population."""

# Gaussian copula over the five propensities, age and income. Rows in that order.
_CORRELATION = np.array(
    [
        [1.00, 0.15, 0.10, 0.05, 0.10, 0.30, 0.65],
        [0.15, 1.00, 0.10, 0.30, 0.05, -0.15, 0.20],
        [0.10, 0.10, 1.00, 0.20, -0.15, -0.25, 0.10],
        [0.05, 0.30, 0.20, 1.00, -0.10, -0.45, 0.10],
        [0.10, 0.05, -0.15, -0.10, 1.00, 0.30, 0.05],
        [0.30, -0.15, -0.25, -0.45, 0.30, 1.00, 0.10],
        [0.65, 0.20, 0.10, 0.10, 0.05, 0.10, 1.00],
    ]
)
# Persona means on the same seven axes, weighted sums near zero.
_PERSONAS = np.array(
    [
        [0.0, 0.3, 0.2, 0.5, -0.2, -0.7, -0.1],
        [0.5, 0.2, 0.3, 0.1, 0.0, 0.0, 0.5],
        [0.2, -0.3, -0.3, -0.6, 0.4, 0.9, -0.2],
        [-0.5, 0.0, 0.0, 0.1, -0.1, -0.2, -0.4],
        [-0.1, -0.1, -0.1, -0.1, 0.0, 0.1, 0.2],
    ]
)
_PERSONA_SHARES = np.cumsum([0.25, 0.18, 0.17, 0.20, 0.20])
REGIONS = (
    "seoul", "gyeonggi", "busan", "gyeongnam", "incheon", "gyeongbuk", "daegu", "chungnam",
    "jeonnam", "jeonbuk", "chungbuk", "gangwon", "daejeon", "gwangju", "ulsan", "jeju", "sejong",
)  # fmt: skip
REGION_SHARES = np.array(
    [18.2, 26.6, 6.4, 6.3, 5.8, 4.9, 4.6, 4.2, 3.5, 3.4, 3.1, 3.0, 2.8, 2.7, 2.1, 1.3, 1.1]
)
CHANNELS = ("branch", "mobile", "web", "partner")
ARCHETYPES = 6


@dataclass(frozen=True)
class Population:
    """What does not change about the customers of a block; arrays of length n.

    Attributes:
        ids: customer numbers.
        traits: (n, 5) propensities, columns as `TRAITS`.
        age: years at the first observed month.
        gender: 0 female, 1 male, 2 not recorded.
        income_level: standard normal of the declared income.
        joined: month number of joining (negative: before the simulation).
        community: community number, unique over all blocks.
        period: events in one loop of the shape mechanism.
        hour: usual hour of the day.
        income_recorded: whether the bank knows the income.
        susceptible: whether the community mechanism can reach the customer.
        lifecycle_shift: years by which the customer is ahead of the stages of life.
    """

    ids: Ints
    traits: Floats
    age: Floats
    gender: Ints
    income_level: Floats
    joined: Ints
    community: Ints
    period: Floats
    hour: Floats
    income_recorded: np.ndarray
    susceptible: np.ndarray
    lifecycle_shift: Floats
    region: Ints
    channel: Ints
    consumption: Ints

    def trait(self, name: str) -> Floats:
        """Return one propensity by name."""
        return self.traits[:, TRAITS.index(name)]


def _copula(draws: Draws, ids: Ints) -> Floats:
    persona = pick(_PERSONA_SHARES, draws.uniform(Stream.PERSONA, ids))
    axes = np.arange(len(_CORRELATION))
    noise = draws.normal(Stream.TRAITS, ids[:, None], index=axes[None, :])
    mixed = noise @ np.linalg.cholesky(_CORRELATION).T + _PERSONAS[persona]
    spread = np.sqrt(1.0 + _PERSONAS.var(axis=0))
    scaled: Floats = (mixed - _PERSONAS.mean(axis=0)) / spread
    return scaled


def populate(
    settings: BankSettings, draws: Draws, *, start: int, stop: int, months: int
) -> Population:
    """Return the customers `start`..`stop`-1.

    Args:
        settings: the bank.
        draws: its random numbers.
        start: first customer number.
        stop: one past the last.
        months: observed months; late joiners come during them.
    """
    ids = np.arange(start, stop, dtype=np.int64)
    axes = _copula(draws, ids)
    first = draws.four(Stream.DEMOGRAPHICS, ids)
    second = draws.four(Stream.DEMOGRAPHICS, ids, index=1)
    join = draws.four(Stream.JOIN, ids)
    habits = draws.four(Stream.HABITS, ids)
    late = join[0] < settings.late_joiners
    since = np.where(
        late,
        settings.burn_in_months + np.floor(join[1] * months),
        -np.floor(1 + 240 * join[1] ** 1.5),
    )
    digital = axes[:, TRAITS.index("digital")]
    channel_weights = np.exp(
        np.stack(
            [
                -0.2 - 0.5 * digital,
                0.3 + 0.5 * digital,
                0.25 + 0.2 * digital,
                0.1 - 0.2 * digital,
            ],
            1,
        )
    )
    return Population(
        ids=ids,
        traits=axes[:, :5],
        age=16 + 68 * ndtr(axes[:, 5] * 0.85 - 0.25),
        gender=np.where(first[0] < 0.01, 2, (first[0] < 0.505).astype(np.int64)),
        income_level=axes[:, 6],
        joined=since.astype(np.int64),
        community=ids // settings.community,
        period=5.0 + 3.0 * habits[0],
        hour=11.0 + 8.0 * habits[1],
        income_recorded=habits[2] >= 0.15,
        susceptible=habits[3] < settings.traces.community.susceptible,
        lifecycle_shift=8.0 * (draws.uniform(Stream.LIFECYCLE, ids) - 0.5),
        region=pick(np.cumsum(REGION_SHARES), first[1]),
        channel=pick_rows(channel_weights, first[2]),
        consumption=np.floor(second[0] * ARCHETYPES).astype(np.int64),
    )
