"""Distillation: how students are trained, chosen, calibrated and judged."""

from typing import Annotated

from pydantic import Field, model_validator

from configs.settings.base import Strict

Share = Annotated[float, Field(gt=0, lt=1)]


class Growth(Strict):
    """How a student grows.

    Attributes:
        learning_rate: shrinkage.
        leaves: most leaves of a tree.
        patience: rounds without a better selection loss before training stops.
    """

    learning_rate: float = Field(gt=0)
    leaves: int = Field(gt=1)
    patience: int = Field(gt=0)


class Student(Strict):
    """One LightGBM student.

    Attributes:
        rounds: most boosting rounds.
        growth: of a task with one output.
        class_growth: of a task with classes, where each round grows a tree a class.
        min_leaf_rows: fewest rows of a leaf.
        feature_share: share of columns tried by a tree.
        l2: penalty on leaf values.
        bins: most values a column is told apart by.
        threads: most CPU threads; another count is written into the students' text.
        rows_per_thread: rows that make one more thread worth its waiting.
        seed: of the column draws.
    """

    rounds: int = Field(gt=0)
    growth: Growth
    class_growth: Growth
    min_leaf_rows: int = Field(gt=0)
    feature_share: float = Field(gt=0, le=1)
    l2: float = Field(ge=0)
    bins: int = Field(ge=3, le=255)
    threads: int = Field(ge=1)
    rows_per_thread: int = Field(ge=1)
    seed: int


class Calibration(Strict):
    """Calibrators, fitted on the calibration half.

    Attributes:
        min_isotonic_positives: below it, Platt scaling.
    """

    min_isotonic_positives: int = Field(ge=100)


class Range(Strict):
    """A tolerated range, ends included; None is open."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Range":
        if self.low is None and self.high is None:
            raise ValueError("a range needs at least one end")
        return self


class Tiers(Strict):
    """What a student must keep of its teacher (tier 1), and what is reported (tier 2).

    A tier-1 condition is broken when the whole interval of the measured value lies outside its
    range: at a few hundred positives a point estimate leaves it by chance alone.

    Attributes:
        replicates: bootstrap resamples of customers.
        level: of the interval.
        seed: of the resamples.
        auc_gap: teacher minus student.
        ece_share: equal-mass calibration error beyond a calibrated predictor's, over the rate.
        macro_f1_gap: teacher minus student.
        mae_gap, rmse_gap: student minus teacher, in label standard deviations.
        rank_correlation, divergence, quartile_agreement: tier 2, against the teacher.
        operating_shares: shares of customers that are acted on, highest scores first.
        operating_agreement: tier 2, of those the teacher picks at a share, how many the student
            picks too; at each of the shares, for binary tasks.
    """

    replicates: int = Field(ge=50)
    level: float = Field(gt=0.5, lt=1)
    seed: int
    auc_gap: Range
    calibration_slope: Range
    observed_expected: Range
    ece_share: Range
    macro_f1_gap: Range
    mae_gap: Range
    rmse_gap: Range
    rank_correlation: Range
    divergence: Range
    quartile_agreement: Range
    operating_shares: tuple[Share, ...] = Field(min_length=1)
    operating_agreement: Range


class DistillationSettings(Strict):
    """Everything the distill stage may be told.

    Attributes:
        groups: group name -> tasks, `["*"]` takes every task; one job a group.
        soft_weights: tried shares of the teacher's opinion in the label; 0 must be among them.
        gain_share: features that bring this share of the gain are kept, then it is retrained.
        calibration_points: equal-mass points of the calibration error.
    """

    groups: dict[str, tuple[str, ...]] = Field(min_length=1)
    soft_weights: tuple[float, ...] = Field(min_length=1)
    gain_share: float = Field(gt=0, le=1)
    calibration_points: int = Field(ge=2)
    student: Student
    calibration: Calibration
    tiers: Tiers

    @model_validator(mode="after")
    def _hard_labels_take_part(self) -> "DistillationSettings":
        if 0.0 not in self.soft_weights:
            raise ValueError("soft_weights: 0 (hard labels alone) must be among them")
        if any(not 0 <= weight <= 1 for weight in self.soft_weights):
            raise ValueError("soft_weights: each must lie between 0 and 1")
        return self
