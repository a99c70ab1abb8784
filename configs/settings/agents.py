"""Settings of the language-model agents: models, prompts, budgets (`configs/agents.yaml`)."""

from typing import Literal

from pydantic import Field

from configs.settings.base import Strict


class CallSettings(Strict):
    """One Converse call: its model and what it may spend."""

    model: str
    max_tokens: int = Field(ge=50, le=8000)
    attempts: int = Field(ge=1, le=5)
    seconds: float = Field(gt=0, le=60)


class SelectSettings(CallSettings):
    """The feature selector; `rank` takes the strongest facts and calls no model."""

    mode: Literal["model", "rank"]


class ReasonAgentSettings(Strict):
    """The two agents that rewrite a reason."""

    prompt_version: str = Field(min_length=1)
    temperature: float = Field(ge=0, le=1)
    select: SelectSettings
    write: CallSettings
    seconds_per_item: float = Field(gt=0, le=100)


class OpsBounds(Strict):
    """What the checks of the ops agent demand."""

    rule_share_maximum: float = Field(ge=0, le=1)
    rejected_share_maximum: float = Field(ge=0, le=1)
    latency_p95_ms_maximum: float = Field(gt=0)
    failed_runs_maximum: int = Field(ge=0)
    recommendations_minimum: int = Field(ge=0)


class AuditBounds(Strict):
    """What the checks of the audit agent demand."""

    decisions_minimum: int = Field(ge=1)
    disclosure_share_minimum: float = Field(ge=0, le=1)
    version_share_minimum: float = Field(ge=0, le=1)
    digest_share_minimum: float = Field(ge=0, le=1)
    faithful_share_minimum: float = Field(ge=0, le=1)
    abstained_share_maximum: float = Field(ge=0, le=1)
    rule_share_maximum: float = Field(ge=0, le=1)
    top_product_share_maximum: float = Field(gt=0, le=1)


class ReviewSettings(Strict):
    """The scheduled review: what is collected, what is demanded, who narrates and votes."""

    prompt_version: str = Field(min_length=1)
    model: str
    temperature: float = Field(ge=0, le=1)
    vote_temperature: float = Field(ge=0, le=1)
    max_tokens: int = Field(ge=50, le=8000)
    attempts: int = Field(ge=1, le=5)
    seconds: float = Field(gt=0, le=60)
    votes: int = Field(ge=3, le=9)
    hours: int = Field(ge=1, le=720)
    decisions: int = Field(ge=1)
    runs: int = Field(ge=1)
    ops: OpsBounds
    audit: AuditBounds


class AgentsSettings(Strict):
    """`configs/agents.yaml`."""

    reasons: ReasonAgentSettings
    review: ReviewSettings
