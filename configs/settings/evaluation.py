"""The evaluation: intervals, baselines, routes and what its gate refuses."""

from typing import Literal

from pydantic import Field, model_validator

from configs.settings.base import Strict
from configs.settings.state_oracle import DeliveredOracle


class Bootstrap(Strict):
    """Intervals by resampling customers.

    Attributes:
        replicates: resamples.
        level: of the interval.
        seed: of the resamples.
    """

    replicates: int = Field(ge=20)
    level: float = Field(gt=0, lt=1)
    seed: int


class Boosting(Strict):
    """The fixed budget of a gradient-boosting baseline, the same for every task.

    Attributes:
        rounds: most boosting rounds.
        patience: rounds without a better selection loss before it stops.
        learning_rate: shrinkage.
        leaves: most leaves of a tree.
        min_leaf_rows: fewest rows of a leaf.
        feature_share: share of columns tried by a tree.
        threads: CPU threads.
        seed: of the column draws.
    """

    rounds: int = Field(gt=0)
    patience: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    leaves: int = Field(gt=1)
    min_leaf_rows: int = Field(gt=0)
    feature_share: float = Field(gt=0, le=1)
    threads: int = Field(ge=1)
    seed: int


class Bound(Strict):
    """When a task is worth distilling.

    Attributes:
        metric: what is compared.
        viable: the teacher must be above it to be distilled.
        floor: below it, for teacher and direct model alike, rules serve.
        needs_interval: the lower end of the interval must be above too.
    """

    metric: str
    viable: float
    floor: float
    needs_interval: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "Bound":
        if self.floor > self.viable:
            raise ValueError("floor must not be above viable")
        return self


class Routes(Strict):
    """How each task type is routed, on splits that are not the test split.

    Attributes:
        splits: whose predictions decide; test is not among them.
    """

    splits: tuple[Literal["selection", "calibration"], ...] = Field(min_length=1)
    binary: Bound
    multiclass: Bound
    regression: Bound


class EvaluationSettings(Strict):
    """Everything the evaluation may be told.

    Attributes:
        calibration_points: equal-mass points of a calibration curve and of its error.
        smoothing: rows of the prior added to each state of a persistence table.
        leak_alarm: metric -> value above which a teacher is too good to be true.
        min_rows: labelled rows below which a metric is not reported.
        state_oracle: of a simulated bank, what no honest model can score; a submission adds it.
    """

    bootstrap: Bootstrap
    boosting: Boosting
    routes: Routes
    calibration_points: int = Field(ge=2)
    smoothing: float = Field(gt=0)
    leak_alarm: dict[str, float]
    min_rows: int = Field(ge=2)
    state_oracle: DeliveredOracle | None
