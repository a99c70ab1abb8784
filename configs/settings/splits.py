"""The months that divide examples in time, and a proposal where a data set names none."""

import re
from typing import Any

from pydantic import Field

from configs.settings.base import Strict
from configs.settings.months import MONTH_PATTERN, Month, month_range, parse_month

MOST_TRAIN = 4
"""Train months that are proposed at most; more of them overlap more than they add."""


class Splits(Strict):
    """Months (`YYYY-MM`) whose ends are the `as_of` dates of each split."""

    train: tuple[Month, ...] = Field(min_length=1)
    validation: tuple[Month, ...] = Field(min_length=1)
    test: tuple[Month, ...] = Field(min_length=1)
    gap_days: int = Field(default=0, ge=0)


def propose(
    first_month: str, last_month: str, *, horizon: int, lookback: int, least: int
) -> Splits:
    """Return splits whose label windows do not overlap, as late as the data allow.

    Train months reach back in steps of the horizon, as long as a whole look-back lies before them;
    where fewer than two have that, the least history will do.

    Args:
        first_month: first month with data, `YYYY-MM`.
        last_month: last one.
        horizon: months of a label window.
        lookback: months of history that features read.
        least: months of history that an example needs.

    Raises:
        ValueError: the data are too short.
    """
    months = [
        f"{month:%Y-%m}" for month in month_range(parse_month(first_month), parse_month(last_month))
    ]
    test = len(months) - horizon
    validation = test - horizon
    places = list(range(validation - horizon, 0, -horizon))
    whole = [place for place in places if place >= lookback]
    chosen = whole if len(whole) > 1 else [place for place in places if place >= least]
    if not chosen:
        raise ValueError(
            f"splits: {len(months)} months are too few to divide: {least} months of history and "
            f"three label windows of {horizon} need {least + 3 * horizon}; deliver more months or "
            "shorten horizon_months"
        )
    return Splits(
        train=tuple(months[place - 1] for place in reversed(chosen[:MOST_TRAIN])),
        validation=(months[validation - 1],),
        test=(months[test - 1],),
    )


def fill(raw: Any, *, lookback: int, least: int) -> Any:
    """Return a data set's raw settings with proposed `splits` and `serving` where there are none.

    What cannot be read is left for the settings themselves to refuse by its key.
    """
    if not isinstance(raw, dict) or not all(
        re.fullmatch(MONTH_PATTERN, str(raw.get(key))) for key in ("first_month", "last_month")
    ):
        return raw
    filled = dict(raw)
    filled.setdefault("serving", raw["last_month"])
    horizon = raw.get("horizon_months")
    if "splits" not in raw and isinstance(horizon, int) and horizon > 0:
        filled["splits"] = propose(
            raw["first_month"],
            raw["last_month"],
            horizon=horizon,
            lookback=raw.get("lookback_months", lookback),
            least=raw.get("min_months_observed", least),
        ).model_dump(mode="json")
    return filled
