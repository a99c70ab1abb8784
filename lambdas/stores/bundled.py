"""Settings that were rendered to JSON when the function's bundle was made."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, cast

from configs.errors import SettingsError
from lambdas.decision.language import Language, LanguageRules, compile_language
from lambdas.decision.policy import AgentsPolicy, DecisionPolicy

FOLDER_VARIABLE = "SEVENLENS_BUNDLED"
"""Names another folder than the bundle's own; for running handlers from a checkout."""


@cache
def _read(name: str) -> Any:
    folder = os.environ.get(FOLDER_VARIABLE)
    base = Path(folder) if folder else Path(__file__).resolve().parents[2] / "configs" / "bundled"
    path = base / f"{name}.json"
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read: {type(error).__name__}", remedy="make the bundle again"
        ) from error


def decision_policy() -> DecisionPolicy:
    """Return the settings of the decision path. Raises SettingsError."""
    return cast(DecisionPolicy, _read("decision"))


def agents_policy() -> AgentsPolicy:
    """Return the settings of the agents. Raises SettingsError."""
    return cast(AgentsPolicy, _read("agents"))


@cache
def languages() -> dict[str, Language]:
    """Return every language with its rules compiled. Raises SettingsError."""
    rules = cast(dict[str, LanguageRules], _read("languages"))
    return {name: compile_language(row) for name, row in rules.items()}


def prompt(language: str, name: str) -> str:
    """Return a prompt text. Raises SettingsError when there is none of that name."""
    prompts = cast(dict[str, dict[str, str]], _read("prompts"))
    try:
        return prompts[language][name]
    except KeyError as error:
        raise SettingsError(
            f"there is no prompt '{name}' in '{language}'", remedy="make the bundle again"
        ) from error
