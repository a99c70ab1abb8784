"""The dry run: how small the subsample is, and what is made lighter in it."""

from typing import Any

from pydantic import Field

from configs.settings.base import Strict


class DryRunSettings(Strict):
    """The later jobs in miniature, before any paid job starts.

    Attributes:
        customers: customers of the subsample.
        overrides: dotted settings keys with the values used in the dry run only.
    """

    customers: int = Field(gt=0)
    overrides: dict[str, Any]
