"""The run report: what things are called, and when it remarks on a gate. It changes no result."""

from typing import Literal

from pydantic import Field

from configs.settings.base import Strict
from configs.settings.pictures import PictureSettings


class MetricText(Strict):
    """How a metric is shown.

    Attributes:
        title: short name.
        better: which way is better; `target` where it should be near the reference.
        reference: value drawn as a line: no skill, or the target.
        meaning: one sentence for a reader who does not know the metric.
        plotted: False for a property of the labels, the same for every predictor.
    """

    title: str = Field(min_length=1)
    better: Literal["higher", "lower", "target"]
    reference: float | None = None
    meaning: str = Field(min_length=1)
    plotted: bool = True


class GateRemarks(Strict):
    """When a teacher's gate is remarked on.

    Attributes:
        uniform_within: every mean share within this of an equal share: the gate hardly chooses.
        still_below: largest spread between customers below this: the gate does not look at them.
    """

    uniform_within: float = Field(ge=0, lt=1)
    still_below: float = Field(ge=0, lt=1)


class Headline(Strict):
    """The one metric of each task type that the overview shows."""

    binary: str
    multiclass: str
    regression: str


class ReportSettings(Strict):
    """Everything the report may be told.

    Attributes:
        predictors: name -> title, in the order of display.
        limits: sentences that hold for every run.
        listed_columns: columns with the most missing values that are listed.
        pictures: of the features.
    """

    predictors: dict[str, str] = Field(min_length=1)
    metrics: dict[str, MetricText]
    headline: Headline
    gates: GateRemarks
    limits: tuple[str, ...] = ()
    listed_columns: int = Field(ge=0)
    pictures: PictureSettings
