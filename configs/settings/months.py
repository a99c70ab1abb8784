"""Calendar months as `YYYY-MM` in YAML and as month-end dates in code."""

import calendar
from datetime import date
from typing import Annotated

from pydantic import StringConstraints

MONTH_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])$"
Month = Annotated[str, StringConstraints(pattern=MONTH_PATTERN)]
"""A calendar month, e.g. `2025-06`."""


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def parse_month(text: str) -> date:
    """Return the month end of `YYYY-MM`."""
    year, month = text.split("-")
    return month_end(int(year), int(month))


def shift(day: date, months: int) -> date:
    """Return the month end `months` calendar months after (before, if negative) that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return month_end(index // 12, index % 12 + 1)


def month_range(first: date, last: date) -> list[date]:
    """Return every month end from `first` to `last`, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [shift(first, step) for step in range(count + 1)]
