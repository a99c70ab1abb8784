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
        return self.prevalence / ((1 - self.prevalence) * self.mean_months)


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


class BankSettings(Strict):
    """The synthetic bank.

    Attributes:
        block: customers simulated together; part of the bytes, unlike the number of workers.
        blocks_per_file: blocks in one file of a table, each its own row group; part of the bytes.
        community: customers who share merchants; a block holds whole communities.
        active_events: mean card events a month of an active customer.
        motif: the four categories of an outing, in the order of the rhythm mechanism.
        taste_prefix: the 3-digit prefix that the tree-taste mechanism prefers.
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
    taste_prefix: str
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
