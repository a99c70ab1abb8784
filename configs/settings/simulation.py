"""Settings of the synthetic bank: sizes, rates and which mechanism drives what."""

from typing import Literal

from pydantic import Field, model_validator

from configs.settings.base import Strict
from configs.settings.months import Month

Mechanism = Literal["crosses", "rhythm", "tree_taste", "shape", "community", "cause", "drift"]


class Spell(Strict):
    """How often and how long a mechanism is on, per customer."""

    prevalence: float = Field(gt=0, lt=0.5)
    min_months: int = Field(ge=1)
    max_months: int = Field(ge=1)

    @property
    def mean_months(self) -> float:
        """Mean duration in months."""
        return (self.min_months + self.max_months) / 2

    @property
    def start_rate(self) -> float:
        """Monthly chance to start when off that keeps the prevalence."""
        # The month after a spell is free of another.
        off = 1 - self.prevalence * (1 + 1 / self.mean_months)
        return self.prevalence / (off * self.mean_months)


class Target(Strict):
    """A competing-risk target: a product group that is acquired, or closing.

    Attributes:
        rate: share of eligible customers with the event in three months.
        tuning: factor on the hazard that makes the simulated rate meet `rate`.
        shares: share of the hazard that each mechanism carries; the rest is background.
        traits: log-linear effect of the propensities on the background.
    """

    rate: float = Field(gt=0, lt=1)
    tuning: float = Field(gt=0)
    shares: dict[Mechanism, float]
    traits: dict[str, float]

    @model_validator(mode="after")
    def _shares_fit(self) -> "Target":
        if len(self.shares) < 3 or max(self.shares.values()) > 0.45 * sum(self.shares.values()):
            raise ValueError("shares: at least 3 mechanisms, none above 45 % of the caused events")
        if sum(self.shares.values()) >= 1:
            raise ValueError("shares: their sum must stay below 1")
        return self


class SpendingCategory(Strict):
    """A category of the bank's card spending: weight, median amount (won), tier, taste weights."""

    code: str
    weight: float = Field(gt=0)
    amount: int = Field(gt=0)
    tier: Literal["basic", "premium", "neutral"] = "neutral"


class CrossesTrace(Strict):
    """Two checkerboards of attributes.

    Attributes:
        income_bounds: bounds of the income bands, won.
        centres: mean side (+1 or -1) of each attribute; with them taken off, no main effect.
        contrast: strength of each board.
    """

    income_bounds: tuple[float, ...]
    centres: dict[Literal["income", "channel", "segment", "region"], float]
    contrast: float = Field(gt=0, le=1)


class TreeTasteTrace(Strict):
    """Favourite rare categories.

    Attributes:
        share: part of the events outside outings that goes to favourites.
        favourites: how many a customer has at a time.
        control_branches: over how many branches those of the control are spread.
        months: how long until they are others.
        codes: branches of equally many codes each, whose codes may be favourites.
    """

    share: float = Field(gt=0, lt=1)
    favourites: int = Field(gt=1)
    control_branches: int = Field(gt=1)
    months: int = Field(gt=0)
    codes: tuple[tuple[str, ...], ...]

    @model_validator(mode="after")
    def _branches(self) -> "TreeTasteTrace":
        sizes = {len(codes) for codes in self.codes}
        if len(sizes) != 1 or min(sizes) < self.favourites:
            raise ValueError("codes: branches of one size, no smaller than the favourites")
        if self.favourites % self.control_branches or len(self.codes) < self.control_branches:
            raise ValueError("control_branches: equally many favourites to each of them")
        if any(len({code[:3] for code in codes}) != 1 for codes in self.codes):
            raise ValueError("codes: a branch has one 3-digit prefix")
        return self


class CommunityTrace(Strict):
    """Waves of adoption.

    Attributes:
        months: length of a wave.
        share: part of the communities in a wave.
        start: monthly chance of a member whom it can reach to be drawn in.
        susceptible: part of the members whom it can reach.
        usual_adoption: share of members who acquire anything in a usual month.
        pull: how strongly a wave's start follows adoption; 0 = not at all.
    """

    months: int = Field(gt=0)
    share: float = Field(gt=0, lt=1)
    start: float = Field(gt=0, lt=1)
    susceptible: float = Field(gt=0, le=1)
    usual_adoption: float = Field(gt=0, lt=1)
    pull: float = Field(ge=0, le=1)


class CauseTrace(Strict):
    """A rise in pay and what follows.

    Attributes:
        pay_rise: factor on the pay when a spell starts.
        spending: factor on the amounts while it lasts.
        proxy_link: chance that an event of a spell is made by mobile, at first.
        proxy_fading: part of that chance that is gone just before it breaks.
        proxy_breaks: observed month (1 = first) from which there is no link.
    """

    pay_rise: float = Field(gt=1)
    spending: float = Field(ge=1)
    proxy_link: float = Field(gt=0, le=1)
    proxy_fading: float = Field(ge=0, le=1)
    proxy_breaks: int = Field(gt=1)


class Traces(Strict):
    """What each mechanism leaves in the observed history.

    Attributes:
        shape_jitter: deviation of the angle of one step round the loop, radians.
        drift_lean: log-odds of premium against basic categories from small to large amounts.
    """

    crosses: CrossesTrace
    tree_taste: TreeTasteTrace
    community: CommunityTrace
    cause: CauseTrace
    shape_jitter: float = Field(gt=0)
    drift_lean: float = Field(gt=0)


class BankSettings(Strict):
    """The synthetic bank.

    Attributes:
        block: customers simulated together; part of the bytes, unlike the number of workers.
        blocks_per_file: blocks in one file of a table, each its own row group; part of the bytes.
        community: customers who share merchants; a block holds whole communities.
        active_events: mean card events a month of an active customer.
        motif: the four categories of an outing, in the order of the rhythm mechanism.
        traces: how each mechanism shows.
        holding: share of customers holding each product at the start.
    """

    first_month: Month
    burn_in_months: int = Field(ge=12)
    block: int = Field(gt=0)
    blocks_per_file: int = Field(gt=0)
    community: int = Field(gt=1)
    dormant_share: float = Field(ge=0, lt=1)
    late_joiners: float = Field(ge=0, lt=1)
    active_events: float = Field(gt=0)
    merchants: int = Field(gt=0)
    motif: tuple[str, str, str, str]
    traces: Traces
    spells: dict[Mechanism, Spell]
    targets: dict[str, Target]
    closing: Target
    holding: dict[str, float]
    categories: tuple[SpendingCategory, ...]

    @model_validator(mode="after")
    def _whole_communities(self) -> "BankSettings":
        if self.block % self.community:
            raise ValueError("block: must hold whole communities")
        return self
