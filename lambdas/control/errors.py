"""Errors that state machines retry or show by name."""

from configs.errors import SevenLensError


class StageBusy(SevenLensError):
    """Another living execution is working on the same stage and key."""


class GateRejected(SevenLensError):
    """A gate did not let the run pass; the message lists why."""


class BudgetExceeded(SevenLensError):
    """The worst case of the run is above a limit, or could not be known."""


class BadInput(SevenLensError):
    """An event or a stored document is not what it must be."""


class SmokeFailed(SevenLensError):
    """The published model did not answer as it must."""


class PointerConflict(SevenLensError):
    """Somebody else moved the serving pointer meanwhile."""
