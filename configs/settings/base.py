"""Loading YAML into frozen models, with errors that name file, key path, value and remedy."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from configs.errors import SettingsError

CONFIGS = Path(__file__).resolve().parents[1]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and does not convert types silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


Model = TypeVar("Model", bound=BaseModel)


def _unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's own signature
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.YAMLError(f"key '{key}' stands twice")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=deep)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is an error."""


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file. Raises SettingsError when it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - subclass of SafeLoader
    except FileNotFoundError as error:
        siblings = ", ".join(sorted(other.stem for other in path.parent.glob("*.yaml"))) or "none"
        raise SettingsError(
            f"{path} does not exist", remedy=f"name one of those present: {siblings}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid YAML: {error}", remedy="mend the file") from error


def _explain(path: str, error: ValidationError, model: type[BaseModel]) -> SettingsError:
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"]) or "(top level)"
        line = f"{path}: {key}: {fault['msg']}"
        if fault["type"] == "extra_forbidden":
            owner: Any = model
            for part in fault["loc"][:-1]:
                field = getattr(owner, "model_fields", {}).get(str(part))
                owner = field.annotation if field is not None else None
            known = getattr(owner, "model_fields", None)
            line = f"{path}: {key}: unknown key"
            if known:
                line += f" (allowed: {', '.join(sorted(known))})"
        elif not isinstance(fault["input"], dict | list):
            line += f" (found {fault['input']!r})"
        lines.append(line)
    return SettingsError("\n  ".join(lines), remedy="correct the value, nothing has been started")


def validate(model: type[Model], raw: Any, *, source: str) -> Model:
    """Return `raw` as a model. Raises SettingsError naming `source` and the key path."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _explain(source, error, model) from error


def load(model: type[Model], path: Path) -> Model:
    """Read and validate one YAML file."""
    return validate(model, read_yaml(path), source=str(path))
