"""What no honest model can score on a simulated bank: the content of `<data>.oracle.json`."""

from typing import Literal

from pydantic import Field

from configs.settings.base import Strict


class Ceiling(Strict):
    """One metric of one who knows the latent state.

    Attributes:
        better: which side of the value is better.
        half_paths: with half of the forward paths.
        all_paths: with all of them.
        value: in the limit of ever more paths.
        low: lower end of its interval.
        high: upper end.
    """

    better: Literal["higher", "lower"]
    half_paths: float
    all_paths: float
    value: float
    low: float
    high: float


class TaskCeilings(Strict):
    """The ceilings of a task.

    Attributes:
        rows: customers they are measured on.
        mean: mean label, None for classes.
        classes: number of classes, None for a number.
    """

    rows: int
    mean: float | None
    classes: int | None
    metrics: dict[str, Ceiling]


class StateOracle(Strict):
    """Ceilings of one bank.

    Attributes:
        customers: size of the bank.
        months: observed months of the bank.
        seed: of the bank.
        bank: digest of the settings of the simulation.
        as_of: observed month after which the labels begin, 1 is the first.
        paths: forward paths of each customer.
        rows: customers looked at.
        level: of the intervals.
    """

    kind: Literal["state_oracle"]
    customers: int
    months: int
    seed: int
    bank: str
    as_of: int
    paths: int = Field(ge=256)
    rows: int
    level: float
    tasks: dict[str, TaskCeilings]


class DeliveredOracle(Strict):
    """The ceilings of a run's data.

    Attributes:
        data_hash: of the delivery that they belong to.
    """

    data_hash: str
    ceilings: StateOracle
