"""Registered generators and side tensors: callers know names, never classes."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from configs.errors import SettingsError
from configs.settings import generators as parameter_models
from training_jobs.features.generator import Bank, Generator, Maker, SideTensor, TensorView

M = TypeVar("M", bound=Maker[Any] | TensorView[Any])


class Registry(Generic[M]):
    """Classes by name; a name is given once and has parameters in `configs.settings.generators`."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._classes: dict[str, type[M]] = {}

    def register(self, name: str) -> Callable[[type[M]], type[M]]:
        """Register the decorated class under `name`.

        Raises:
            SettingsError: the name is taken, or has no parameter model.
        """

        def add(made: type[M]) -> type[M]:
            if name in self._classes:
                raise SettingsError(
                    f"{self._what} '{name}' is registered twice", remedy="choose another name"
                )
            if name not in parameter_models.known():
                raise SettingsError(
                    f"{self._what} '{name}' has no parameter model",
                    remedy="register one in configs.settings.generators",
                )
            self._classes[name] = made
            return made

        return add

    def forget(self, name: str) -> None:
        """Remove a class: for tests that plug one in."""
        self._classes.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """Return all registered names, sorted."""
        return tuple(sorted(self._classes))

    def build(self, name: str, parameters: Any, bank: Bank) -> M:
        """Return an instance. Raises SettingsError when nothing is registered under `name`."""
        if name not in self._classes:
            raise SettingsError(
                f"{self._what} '{name}' is not registered",
                remedy=f"name one of: {', '.join(self.names())}",
            )
        return self._classes[name](parameters, bank)


GENERATORS: Registry[Generator[Any] | TensorView[Any]] = Registry("generator")
TENSORS: Registry[SideTensor[Any]] = Registry("side tensor")
