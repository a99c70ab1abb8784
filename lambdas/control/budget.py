"""The budget guard: the worst case of a run, and of the month with it, against the limits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.control.errors import BadInput, BudgetExceeded

DECIMALS = 6
"""Of a USD figure in the ledger."""


@dataclass(frozen=True)
class Price:
    """What one stage's job costs.

    Attributes:
        usd_per_hour: of all its instances together.
        max_run_s: seconds after which SageMaker stops it.
    """

    usd_per_hour: float
    max_run_s: float

    @staticmethod
    def parse(raw: Any) -> "Price":
        """Return the price in an event. Raises BadInput."""
        try:
            price = Price(float(raw["usd_per_hour"]), float(raw["max_run_s"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"the event holds no price: {error!r}", remedy="deploy the application again"
            ) from error
        if not (math.isfinite(price.worst) and price.usd_per_hour > 0 and price.max_run_s > 0):
            raise BadInput(
                f"the event's price is {price}", remedy="correct the price table, deploy again"
            )
        return price

    @property
    def worst(self) -> float:
        """USD when the job runs to its time limit."""
        return self.of(self.max_run_s)

    def of(self, seconds: float) -> float:
        """Return USD for a job that took so long from its lease to its commit.

        Waiting for capacity and for a redrive is in those seconds but is not billed, hence
        the time limit is the most that counts.
        """
        billed = min(max(seconds, 0.0), self.max_run_s)
        return round(billed / 3600 * self.usd_per_hour, DECIMALS)


def worst_case_usd(jobs: Sequence[Mapping[str, Any]], *, groups: int) -> float:
    """Return USD if every job runs to its time limit on all its instances.

    Args:
        groups: how often a job runs that runs once a group.

    Raises:
        BudgetExceeded: a price or limit is missing or is no positive number.
    """
    total = 0.0
    for job in jobs:
        try:
            hours = float(job["max_run_s"]) / 3600 * float(job["instance_count"])
            times = groups if job["per_group"] else 1
            cost = hours * float(job["usd_per_hour"]) * times
        except (KeyError, TypeError, ValueError) as error:
            raise BudgetExceeded(
                f"the worst case of job {job.get('stage', '?')} cannot be known: {error!r}",
                remedy="add the instance type to the price table",
            ) from error
        if not math.isfinite(cost) or cost <= 0:
            raise BudgetExceeded(
                f"the worst case of job {job.get('stage', '?')} is {cost}",
                remedy="correct the price table",
            )
        total += cost
    if not jobs:
        raise BudgetExceeded("no jobs were named", remedy="deploy the application again")
    return total


def guard(*, worst: float, spent: float, limits: Mapping[str, Any]) -> None:
    """Let a run pass only within both limits.

    Args:
        spent: USD of the month's other runs, spent and reserved.

    Raises:
        BudgetExceeded: above a limit, or a limit is not readable.
    """
    try:
        run_limit, month_limit = float(limits["run_usd"]), float(limits["month_usd"])
    except (KeyError, TypeError, ValueError) as error:
        raise BudgetExceeded(
            f"the limits cannot be read: {error!r}", remedy="deploy the application again"
        ) from error
    if not worst <= run_limit:
        raise BudgetExceeded(
            f"worst case of the run USD {worst:.2f} is above USD {run_limit:.2f}",
            remedy="raise budget.per_run_usd or lower max_run_s of the jobs",
        )
    if not worst + spent <= month_limit:
        raise BudgetExceeded(
            f"worst case USD {worst:.2f} plus this month's USD {spent:.2f}, spent and reserved, "
            f"is above USD {month_limit:.2f}",
            remedy="raise budget.monthly_usd, or wait for running runs to end or the next month",
        )
