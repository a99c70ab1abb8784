"""The root of our own errors: what is wrong, and what to do about it."""

from functools import partial
from typing import Any


class SevenLensError(Exception):
    """An error a person can act upon.

    Args:
        problem: what is wrong, naming the file, key, column and value.
        remedy: what to do about it, one sentence in the imperative.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}\n  remedy: {remedy}")
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how it is made again: an error of a worker process travels to its parent."""
        return partial(type(self), remedy=self.remedy), (self.problem,)


class SettingsError(SevenLensError):
    """A configuration file holds an unknown key or a value that is not allowed."""


class DataContractError(SevenLensError):
    """Input data breaks the contract of the canonical tables."""


class ArtefactError(SevenLensError):
    """An artefact is missing, altered, or was written by something else."""
