"""The parameter models of generators and side tensors, each under its own name."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from configs.errors import SettingsError
from configs.settings.base import Strict

_MODELS: dict[str, type[Strict]] = {}
Parameters = TypeVar("Parameters", bound=Strict)


def parameters(name: str) -> Callable[[type[Parameters]], type[Parameters]]:
    """Register the decorated model as the parameters of generator `name`.

    Raises:
        SettingsError: the name is taken.
    """

    def add(model: type[Parameters]) -> type[Parameters]:
        if name in _MODELS:
            raise SettingsError(
                f"generator '{name}' has parameters already", remedy="choose another name"
            )
        _MODELS[name] = model
        return model

    return add


def forget(name: str) -> None:
    """Remove a registered model: for tests that plug one in."""
    _MODELS.pop(name, None)


def known() -> tuple[str, ...]:
    """Return the names of all generators that have parameters, sorted."""
    return tuple(sorted(_MODELS))


def parse(name: str, raw: Any) -> Strict:
    """Return `raw` as the parameters of generator `name`.

    Raises:
        ValueError: the generator is unknown, or a key or value is wrong; the text names both and
            what is allowed.
    """
    model = _MODELS.get(name)
    if model is None:
        raise ValueError(f"generator '{name}' is unknown (allowed: {', '.join(known())})")
    if isinstance(raw, model):
        return raw
    if not isinstance(raw, Mapping):
        raise ValueError("parameters must be a mapping")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        allowed = ", ".join(sorted(model.model_fields)) or "none"
        lines = [
            f"parameters.{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ValueError(f"{'; '.join(lines)} (keys allowed: {allowed})") from error
