"""Parameters of the topological features: persistence of spending series and event sequences."""

from pydantic import Field, field_validator, model_validator

from configs.settings.base import Strict
from configs.settings.generators.plain import Direction
from configs.settings.generators.registry import parameters


class Topology(Strict):
    """How the diagrams of a window are made; inputs with equal values share one computation.

    Attributes:
        direction: the transactions that are spending.
        least_events: purchases a customer needs inside the window, else all is missing.
        dimension: coordinates of the delay embedding.
        delay: events from one coordinate to the next.
        most_points: points of the embedding that enter the complex, spread evenly over the window.
            Time grows with its cube.
        least_lifetime: pairs that live no longer are rounding, in deviations.
        category_events: purchases of the fit sample a category needs for a level of its own.
        block_customers: customers worked on at a time: bounds memory, changes no value.
    """

    direction: Direction
    least_events: int = Field(gt=1)
    dimension: int = Field(gt=1)
    delay: int = Field(gt=0)
    most_points: int = Field(gt=3)
    least_lifetime: float = Field(gt=0, lt=0.01)
    category_events: int = Field(gt=0)
    block_customers: int = Field(gt=0)

    @model_validator(mode="after")
    def _enough_events(self) -> "Topology":
        if self.least_events <= self.span:
            raise ValueError(f"least_events: a point of the embedding spans {self.span + 1} events")
        return self

    @property
    def span(self) -> int:
        """Events from the first to the last coordinate of a point."""
        return (self.dimension - 1) * self.delay


@parameters("tda")
class TdaParameters(Strict):
    """Statistics of the diagrams of one window.

    Attributes:
        months: calendar months of the window; the last is that of `as_of`.
        topology: how the diagrams are made.
    """

    months: int = Field(gt=0)
    topology: Topology


@parameters("persistence_pairs")
class PersistencePairsParameters(Strict):
    """The points of the diagrams.

    Attributes:
        months: calendar months of each window.
        topology: how the diagrams are made.
        most_pairs: pairs of one diagram that are kept, the most persistent.
    """

    months: tuple[int, ...] = Field(min_length=1)
    topology: Topology
    most_pairs: int = Field(gt=0)

    @field_validator("months")
    @classmethod
    def _distinct(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 1 or len(set(value)) != len(value):
            raise ValueError("positive and distinct")
        return value
