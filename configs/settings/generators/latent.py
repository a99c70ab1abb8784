"""Parameters of the groups that estimate something hidden: states, clusters, own models."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters

Series = Literal[
    "products_held",
    "active",
    "events",
    "idle_months",
    "credits",
    "credit_balance",
    "recorded_income",
    "tenure",
    "spend",
    "payments",
    "categories",
    "remote_share",
]
"""A customer's own monthly series; `training_jobs/features/latent/monthly.py` defines each."""

Aggregate = Literal[
    "spend",
    "credits",
    "events",
    "mean_payment",
    "products_held",
    "categories",
    "active_month_share",
    "recent_share",
    "spend_variation",
    "credit_balance",
    "night_share",
    "weekend_share",
    "remote_share",
    "recorded_income",
    "tenure",
]
"""A number of the look-back; `training_jobs/features/latent/aggregates.py` defines each."""


class Estimation(Strict):
    """Expectation maximisation of a Gaussian mixture.

    Attributes:
        restarts: starts from different seeds, of which the likeliest is kept.
        seed: of the first start.
        start_rows: most rows the k-means that a start begins with looks at.
        start_steps: most steps of that k-means.
        iterations: most EM steps of one start.
        tolerance: gain of the mean log-likelihood of a value under which a start has converged.
        pseudo_count: added to the expected count of every weight, and of every transition between
            states, so that none is 0.
        min_variance: least variance, in squared standard deviations of the fit sample.
    """

    restarts: int = Field(gt=0)
    seed: int = Field(ge=0)
    start_rows: int = Field(gt=0)
    start_steps: int = Field(gt=0)
    iterations: int = Field(gt=0)
    tolerance: float = Field(gt=0)
    pseudo_count: float = Field(ge=0)
    min_variance: float = Field(gt=0)


class ChainEstimation(Estimation):
    """Expectation maximisation of a hidden Markov model.

    Attributes:
        start_stay: probability with which a start keeps its state from month to month.
    """

    start_stay: float = Field(gt=0, lt=1)


class Mode(Strict):
    """One hidden Markov model.

    Attributes:
        name: first part of its column names.
        states: number of hidden states.
        series: what it reads; the states are ordered by their mean of the first that varies.
        least_series: fewest varying series with which its name is still true; under it the
            columns of the mode are missing for everyone.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    states: int = Field(gt=1)
    series: tuple[Series, ...] = Field(min_length=1)
    least_series: int = Field(gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> "Mode":
        if len(set(self.series)) != len(self.series):
            raise ValueError("series: one stands twice")
        if self.least_series > len(self.series):
            raise ValueError("least_series: more than there are")
        return self


@parameters("hidden_markov")
class HiddenMarkovParameters(Strict):
    """Hidden states of the customer's own months.

    Attributes:
        modes: the models, in the order of their columns.
        remote_channels: transaction channels without a counter or a terminal.
        share_payments: debits of a month under which its share of remote ones is missing.
        limit: standardised values are cut at plus and minus this.
        fit_customers: most customers of the fit sample that EM looks at, evenly spaced by id.
    """

    modes: tuple[Mode, ...] = Field(min_length=1)
    remote_channels: tuple[str, ...]
    share_payments: int = Field(gt=0)
    limit: float = Field(gt=0)
    fit_customers: int = Field(gt=0)
    estimation: ChainEstimation

    @field_validator("modes")
    @classmethod
    def _unique(cls, value: tuple[Mode, ...]) -> tuple[Mode, ...]:
        if len({mode.name for mode in value}) != len(value):
            raise ValueError("a name stands twice")
        return value


class Aggregates(Strict):
    """Which numbers of a customer the clusters are made of.

    Attributes:
        names: in order; what never varies in the fit sample is left out.
        least: fewest varying ones that make a cluster; under it the columns are missing for all.
        limit: standardised values are cut at plus and minus this.
        night: first hour and hour after the last of the night; may pass midnight.
        recent_months: months, `as_of`'s included, whose share of the events is `recent_share`.
        remote_channels: transaction channels without a counter or a terminal.
    """

    names: tuple[Aggregate, ...] = Field(min_length=1)
    least: int = Field(gt=0)
    limit: float = Field(gt=0)
    night: tuple[int, int]
    recent_months: int = Field(gt=0)
    remote_channels: tuple[str, ...]

    @model_validator(mode="after")
    def _consistent(self) -> "Aggregates":
        if len(set(self.names)) != len(self.names):
            raise ValueError("names: one stands twice")
        if self.least > len(self.names):
            raise ValueError("least: more than there are")
        if not all(0 <= hour <= 24 for hour in self.night) or self.night[0] == self.night[1]:
            raise ValueError("night: two different hours between 0 and 24")
        return self


@parameters("gaussian_mixture")
class GaussianMixtureParameters(Strict):
    """Soft clusters of customers.

    Attributes:
        components: number of clusters.
    """

    components: int = Field(gt=1)
    aggregates: Aggregates
    estimation: Estimation


class KMeans(Strict):
    """Hard clusters of customers.

    Attributes:
        centroids: number of clusters.
        restarts: starts from different seeds, of which the tightest is kept.
        seed: of the first start.
        iterations: most steps of one start.
    """

    centroids: int = Field(gt=1)
    restarts: int = Field(gt=0)
    seed: int = Field(ge=0)
    iterations: int = Field(gt=0)


class Bandit(Strict):
    """A customer's own trials of new categories, as a Bernoulli bandit with a Beta prior.

    Attributes:
        settle_days: from the first categorised event; in it everything is new and nothing a trial.
        reward_days: within which a second day of use makes a trial a success.
        prior_successes: of the Beta prior.
        prior_failures: of the Beta prior.
        upper: probability at which the posterior's quantile is the upper bound.
    """

    settle_days: int = Field(ge=0)
    reward_days: int = Field(gt=0)
    prior_successes: float = Field(gt=0)
    prior_failures: float = Field(gt=0)
    upper: float = Field(gt=0.5, lt=1)


class ClosedForm(Strict):
    """A closed-form continuous-time network that nobody trained: a fixed reservoir.

    Attributes:
        units: states.
        seed: of the weights.
        events: most events of one customer, the newest.
        recurrent_scale: spread of the weights from state to state, times sqrt(units).
        input_scale: spread of the weights from inputs.
        days: time unit of the gaps.
        limit: standardised amounts are cut at plus and minus this.
    """

    units: int = Field(gt=0)
    seed: int = Field(ge=0)
    events: int = Field(gt=0)
    recurrent_scale: float = Field(gt=0)
    input_scale: float = Field(gt=0)
    days: float = Field(gt=0)
    limit: float = Field(gt=0)


@parameters("model_derived")
class ModelDerivedParameters(Strict):
    """Distances to cluster centres, bandit statistics, states of a fixed network."""

    aggregates: Aggregates
    kmeans: KMeans
    bandit: Bandit
    network: ClosedForm
