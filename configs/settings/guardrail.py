"""The managed guardrail, from `configs/guardrail.yaml`."""

from typing import Literal

from pydantic import Field

from configs.settings.base import CONFIGS, Strict, load

Strength = Literal["LOW", "MEDIUM", "HIGH"]
Filter = Literal["HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT"]


class GuardrailSettings(Strict):
    """What a finished text is held against.

    Attributes:
        filters: content filter -> strength on the written text.
        personal_data: kinds of personal data that block a text.
        words: phrases that block a text.
        blocked_message: what stands in place of a blocked text.
    """

    filters: dict[Filter, Strength] = Field(min_length=1)
    personal_data: tuple[str, ...]
    words: tuple[str, ...] = Field(min_length=1)
    blocked_message: str = Field(min_length=1, max_length=500)


def load_guardrail() -> GuardrailSettings:
    """Return the validated settings. Raises SettingsError naming file and key."""
    return load(GuardrailSettings, CONFIGS / "guardrail.yaml")
