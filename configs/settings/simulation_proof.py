"""Settings of the proof that the synthetic bank shows each mechanism to its own lens."""

from pydantic import Field

from configs.settings.base import Strict


class ReferenceLearner(Strict):
    """The one gradient-boosting learner of every cell, scored on customers it has not seen.

    Attributes:
        folds: customer folds; each is scored by a model of the others.
        rounds: boosting rounds.
        leaves: most leaves of a tree.
        min_leaf_rows: fewest rows of a leaf.
        feature_share: share of columns tried by a tree.
    """

    folds: int = Field(gt=1)
    rounds: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    leaves: int = Field(gt=1)
    min_leaf_rows: int = Field(gt=0)
    feature_share: float = Field(gt=0, le=1)
    seed: int


class Bounds(Strict):
    """What the visibility matrix must keep."""

    diagonal: float = Field(gt=0.5, lt=1)
    elsewhere: float = Field(gt=0.5, lt=1)
    aggregates: float = Field(gt=0.5, lt=1)


class Eligible(Strict):
    """Customers active enough for a trace to be seen: card events in the latest months."""

    min_events: int = Field(gt=0)
    months: int = Field(gt=0)


class Representations(Strict):
    """What each lens computes from the observed history.

    Attributes:
        months: windows, in months up to `as_of`, of counts that lenses take.
        income_bands: equal-mass bands of the income field.
        age_bands: equal-mass bands of the age field.
        vocabulary: categories of the transition table; the rarer ones are one.
        points: latest events of each delay embedding.
        embedding: dimensions of the delay embedding; the lag is one event.
        min_points: fewest points of a persistence diagram.
        neighbours: customers nearest by shared merchants.
        amount_bins: equal-mass bins of a customer's own amounts.
    """

    months: tuple[int, ...]
    income_bands: int = Field(gt=1)
    age_bands: int = Field(gt=1)
    vocabulary: int = Field(gt=1)
    points: tuple[int, ...]
    embedding: int = Field(ge=2)
    min_points: int = Field(gt=3)
    neighbours: int = Field(gt=0)
    amount_bins: int = Field(gt=1)


class Paths(Strict):
    """Forward paths of the state oracle.

    Attributes:
        paths: an oracle is never made from fewer.
        customers: test customers at most.
        smoothing: paths' worth of the base rate added to each probability.
        seed: of the forward draws, apart from every bank's seed.
    """

    paths: int = Field(ge=256)
    customers: int = Field(gt=0)
    smoothing: float = Field(gt=0)
    seed: int = Field(ge=0)


class ProofSettings(Strict):
    """The visibility matrix and the two oracles.

    Attributes:
        as_ofs: observed months (1 = first) at whose end activation is predicted.
        replicates: bootstrap resamples of customers.
        level: of the intervals.
    """

    as_ofs: tuple[int, ...] = Field(min_length=1)
    eligible: Eligible
    representations: Representations
    learner: ReferenceLearner
    bounds: Bounds
    paths: Paths
    replicates: int = Field(ge=20)
    level: float = Field(gt=0, lt=1)
