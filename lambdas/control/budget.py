"""The budget guard: the worst case of a run, and of the month with it, against the limits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.control.errors import BudgetExceeded


def worst_case_usd(jobs: Sequence[Mapping[str, Any]]) -> float:
    """Return USD if every job runs to its time limit on all its instances.

    Raises:
        BudgetExceeded: a price or limit is missing or is no positive number.
    """
    total = 0.0
    for job in jobs:
        try:
            hours = float(job["max_run_s"]) / 3600 * int(job["instance_count"])
            cost = hours * float(job["usd_per_hour"])
        except (KeyError, TypeError, ValueError) as error:
            raise BudgetExceeded(
                f"the worst case of job {job.get('stage', '?')} cannot be known: {error!r}",
                remedy="add the instance type to the price table",
            ) from error
        if not math.isfinite(cost) or cost <= 0:
            raise BudgetExceeded(
                f"the worst case of job {job['stage']} is {cost}",
                remedy="correct the price table",
            )
        total += cost
    if not jobs:
        raise BudgetExceeded("no jobs were named", remedy="deploy the application again")
    return total


def guard(*, worst: float, spent: float, limits: Mapping[str, Any]) -> None:
    """Let a run pass only within both limits.

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
            f"worst case USD {worst:.2f} plus this month's USD {spent:.2f} "
            f"is above USD {month_limit:.2f}",
            remedy="raise budget.monthly_usd or wait for the next month",
        )
