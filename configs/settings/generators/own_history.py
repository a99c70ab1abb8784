"""Parameters of the generators that describe one customer's own history; off by default."""

from pydantic import Field

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters


@parameters("temporal")
class TemporalParameters(Strict):
    """Rhythm of the customer's own events.

    Attributes:
        least_gaps: gaps between events that burstiness and memory need.
        least_months: months since joining that a trend needs.
        month_harmonics: multiples of the monthly frequency whose energy counts, the first included.
    """

    least_gaps: int = Field(ge=3)
    least_months: int = Field(ge=3)
    month_harmonics: int = Field(ge=1, le=15)


@parameters("economics")
class EconomicsParameters(Strict):
    """The customer as a household.

    Attributes:
        food_categories: codes whose spending is spending on food.
        least_months: months that a slope over months needs.
    """

    food_categories: tuple[str, ...] = Field(min_length=1)
    least_months: int = Field(ge=3)


@parameters("multidisciplinary")
class MultidisciplinaryParameters(Strict):
    """Kinetics, epidemics, routines and interference of the customer's own events.

    Attributes:
        half_life_days: days in which the weight of an event falls to a half.
        hours_a_slot: length of the parts into which a day is cut for its routine; divides 24.
        cycle_days: length of the cycle whose waves interfere.
    """

    half_life_days: float = Field(gt=0)
    hours_a_slot: int = Field(gt=0, le=24)
    cycle_days: int = Field(ge=2)


@parameters("phase_transition")
class PhaseTransitionParameters(Strict):
    """Signs of a change of regime.

    Attributes:
        weeks: length of the series of days active a week.
        window_weeks: length of the rolling window of the early-warning signals.
        least_months: months since joining that a change point needs.
    """

    weeks: int = Field(ge=8, le=52)
    window_weeks: int = Field(ge=4, le=26)
    least_months: int = Field(ge=4)
