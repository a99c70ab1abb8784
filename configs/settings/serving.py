"""Settings of the decision path and of reason texts; how they travel inside a function bundle."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from configs.contracts.artefacts import canonical_json
from configs.settings.agents import AgentsSettings
from configs.settings.base import CONFIGS, Strict, load
from configs.settings.patterns import Pattern

LANGUAGES = ("ko", "en")
PROMPTS = CONFIGS / "prompts"
BUNDLED = "configs/bundled"
"""Folder inside a function bundle, below its root, that holds these settings as JSON."""


class RequestSettings(Strict):
    """What the API accepts."""

    top_k_default: int = Field(ge=1)
    top_k_maximum: int = Field(ge=1, le=50)
    languages: tuple[str, ...] = Field(min_length=1)
    context_keys: tuple[str, ...]
    context_value_length: int = Field(ge=1)
    body_bytes: int = Field(ge=256)


class ControlSettings(Strict):
    """How long a read of the control table may be used again."""

    cache_seconds: float = Field(ge=0, le=60)


class FallbackSettings(Strict):
    """The defined answer where the model may not or cannot answer."""

    unknown_customer: Literal["refuse", "rules"]
    opted_out: Literal["refuse", "popular"]


class RankingSettings(Strict):
    """From task scores to a list of products."""

    within_group_exponent: float = Field(ge=0, le=2)
    maximum_per_group: int = Field(ge=1)
    minimum_score: float = Field(ge=0, lt=1)
    share_floor: float = Field(gt=0, lt=1)
    risk_grade_unknown_customer: int = Field(ge=0)


class ReasonSettings(Strict):
    """Size of fact sheets and of texts."""

    facts_per_reason: int = Field(ge=1, le=5)
    facts_per_sheet: int = Field(ge=1, le=20)
    facts_per_task: int = Field(ge=1, le=10)
    cache_seconds: int = Field(ge=60)
    direction_tolerance: float = Field(ge=0, lt=1)
    maximum_sentences: int = Field(ge=1, le=10)
    maximum_characters: int = Field(ge=40, le=2000)


class DecisionSettings(Strict):
    """`configs/serving/decision.yaml`."""

    request: RequestSettings
    control: ControlSettings
    fallback: FallbackSettings
    ranking: RankingSettings
    reasons: ReasonSettings


class NumberSettings(Strict):
    """How values are shown: separators, one pattern a unit and a currency.

    `counters` are the patterns of counts by the ending of the label; `""` fits every label.
    """

    thousands: str = Field(min_length=1, max_length=1)
    decimal: str = Field(min_length=1, max_length=1)
    units: dict[str, str]
    counters: dict[str, str]
    currencies: dict[str, str]

    @field_validator("units", "counters", "currencies")
    @classmethod
    def _hold_the_value(cls, patterns: dict[str, str]) -> dict[str, str]:
        for unit, pattern in patterns.items():
            if pattern.count("{value}") != 1:
                raise ValueError(f"'{unit}' must hold {{value}} once")
        return patterns


class SentenceSettings(Strict):
    """One template sentence for each form a fact can take."""

    directed: str
    plain: str
    worded: str
    held: str
    not_held: str


class TemplateSettings(Strict):
    """Sentences of a template reason: the first names the product, later ones add a fact."""

    first: SentenceSettings
    later: SentenceSettings


class DirectionWords(Strict):
    """Stems (ko) or words (en) that claim up or down when written outside a slot."""

    up: tuple[str, ...]
    down: tuple[str, ...]


class LanguageSettings(Strict):
    """`configs/prompts/<language>/language.yaml`."""

    language: str
    disclosure: str = Field(min_length=5)
    rules_disclosure: str = Field(min_length=5)
    endings: tuple[str, ...] = Field(min_length=1)
    number: NumberSettings
    period_phrase: str
    templates: TemplateSettings
    rules_reason: str
    popular_reason: str
    abstained: str
    direction_words: DirectionWords
    banned: tuple[Pattern, ...] = Field(min_length=1)
    protected: tuple[Pattern, ...] = Field(min_length=1)
    number_words: tuple[Pattern, ...]


def load_decision() -> DecisionSettings:
    """Return the settings of the decision path. Raises SettingsError."""
    return load(DecisionSettings, CONFIGS / "serving" / "decision.yaml")


def load_agents() -> AgentsSettings:
    """Return the settings of the agents. Raises SettingsError."""
    return load(AgentsSettings, CONFIGS / "agents.yaml")


def load_language(language: str) -> LanguageSettings:
    """Return the rules of one language. Raises SettingsError."""
    return load(LanguageSettings, PROMPTS / language / "language.yaml")


def load_prompts() -> dict[str, dict[str, str]]:
    """Return {language: {prompt name: text}} of all prompt files."""
    return {
        language: {
            path.stem: path.read_text() for path in sorted((PROMPTS / language).glob("*.md"))
        }
        for language in LANGUAGES
    }


def bundle_files() -> dict[str, bytes]:
    """Return what a function bundle needs of these settings: path below its root -> JSON.

    The functions read no YAML, so that neither a parser nor a validator is loaded at a cold
    start; everything is validated here, when the bundle is made.

    Raises:
        SettingsError: a file holds an unknown key or a bad value.
    """
    documents = {
        "decision": load_decision().model_dump(mode="json"),
        "agents": load_agents().model_dump(mode="json"),
        "languages": {name: load_language(name).model_dump(mode="json") for name in LANGUAGES},
        "prompts": load_prompts(),
    }
    return {f"{BUNDLED}/{name}.json": canonical_json(value) for name, value in documents.items()}


def write_bundle_files(folder: Path) -> Path:
    """Write `bundle_files` below `folder`; return the folder that holds the JSON files.

    With the variable `SEVENLENS_BUNDLED` set to it, handlers run from a checkout.
    """
    for name, content in bundle_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / BUNDLED
