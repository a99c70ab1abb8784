"""The prediction tasks: derivation, loss, weights, masks and the viability gate."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.settings.base import Strict


class CountDrop(Strict):
    """1 where the last count of the window is below `ratio` x the mean of the prior months."""

    method: Literal["count_drop"]
    ratio: float = Field(gt=0, le=1)
    prior_months: int = Field(gt=0)


class CountStability(Strict):
    """1 - coefficient of variation of the product count over `as_of` and the window."""

    method: Literal["count_stability"]


class SegmentAtEnd(Strict):
    """Segment at the end of the window."""

    method: Literal["segment_at_end"]


class FirstGroup(Strict):
    """Group of the first product acquired; class 0 = none."""

    method: Literal["first_group"]
    none_label: str = "none"


class AcquiredCount(Strict):
    """Number of distinct products acquired."""

    method: Literal["acquired_count"]


class AcquiredAny(Strict):
    """1 where any product of the group is acquired; masked where all of it is held already."""

    method: Literal["acquired_any"]
    product_group: str


class NextCategory(Strict):
    """Category of the first transaction of the window; the rarer ones are one class."""

    method: Literal["next_category"]
    top: int = Field(gt=1)
    other_label: str = "other"


class TopCategoryShift(Strict):
    """1 where the most frequent category differs from that of the equal window before."""

    method: Literal["top_category_shift"]
    min_events: int = Field(gt=0)


class DistinctTrend(Strict):
    """Relative change of the number of distinct categories between the two windows."""

    method: Literal["distinct_trend"]
    min_events: int = Field(gt=0)


Derivation = Annotated[
    CountDrop
    | CountStability
    | SegmentAtEnd
    | FirstGroup
    | AcquiredCount
    | AcquiredAny
    | NextCategory
    | TopCategoryShift
    | DistinctTrend,
    Field(discriminator="method"),
]


class Task(Strict):
    """One task.

    Attributes:
        loss_weight: applied exactly once, by the trainer.
        group: the distillation and transfer group.
        ranking_weight: weight in the product score; negative lowers products.
        product_group: group of products whose score the task feeds, if one.
        metrics: what the evaluation reports.
        persistence: whether skill over a persistence baseline is reported always.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: Literal["binary", "multiclass", "regression"]
    derivation: Derivation
    loss: Literal["bce", "focal", "ce", "huber", "poisson"]
    loss_weight: float = Field(gt=0)
    group: str
    ranking_weight: float
    product_group: str | None = None
    metrics: tuple[str, ...]
    persistence: bool = False

    @model_validator(mode="after")
    def _loss_suits_type(self) -> "Task":
        losses = {
            "binary": ("bce", "focal"),
            "multiclass": ("ce",),
            "regression": ("huber", "poisson"),
        }[self.type]
        if self.loss not in losses:
            raise ValueError(f"loss of a {self.type} task is one of {', '.join(losses)}")
        return self


class Minima(Strict):
    """Least number of informative rows by split."""

    train: int = Field(ge=1)
    selection: int = Field(ge=1)
    calibration: int = Field(ge=1)
    test: int = Field(ge=1)


class Gate(Strict):
    """The viability gate.

    A row is informative when it is a positive (binary, the rarer side), not of the most frequent
    class (multiclass) or not of the most frequent value (regression).

    Attributes:
        min_coverage: least share of labelled rows in each split.
        min_class_rows: classes with fewer train rows are merged into one.
        max_rate_ratio: largest ratio between the base rates of two splits (binary).
    """

    minima: Minima
    min_coverage: float = Field(ge=0, le=1)
    min_class_rows: int = Field(ge=1)
    max_rate_ratio: float = Field(ge=1)


class TasksSettings(Strict):
    """All tasks, how customers are dealt to folds and halves, and the viability gate.

    Attributes:
        salt: part of every customer hash; another salt is another division.
        cold_per_mille: customers in a thousand that are never trained on.
        folds: customer folds for cross-fitting.
    """

    salt: str
    cold_per_mille: int = Field(ge=0, lt=1000)
    folds: int = Field(gt=1)
    gate: Gate
    tasks: tuple[Task, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_unique(self) -> "TasksSettings":
        names = [task.name for task in self.tasks]
        if len(set(names)) != len(names):
            raise ValueError("a task name stands twice")
        return self
