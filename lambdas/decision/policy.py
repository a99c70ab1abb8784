"""The types of the settings that travel in a function's bundle as JSON.

They mirror `configs/settings/serving.py` and `configs/settings/agents.py`, which validate the
files when a bundle is made; a test holds both descriptions against each other.
"""

from typing import TypedDict


class RequestPolicy(TypedDict):
    """What the API accepts."""

    top_k_default: int
    top_k_maximum: int
    languages: list[str]
    context_keys: list[str]
    context_value_length: int
    body_bytes: int


class ControlPolicy(TypedDict):
    """How long a read of the control table may be used again, seconds."""

    cache_seconds: float


class FallbackPolicy(TypedDict):
    """`unknown_customer`: refuse or rules; `opted_out`: refuse or popular."""

    unknown_customer: str
    opted_out: str


class RankingPolicy(TypedDict):
    """From task scores to a list of products."""

    within_group_exponent: float
    maximum_per_group: int
    minimum_score: float
    share_floor: float
    risk_grade_unknown_customer: int


class ReasonPolicy(TypedDict):
    """Size of fact sheets and of texts."""

    facts_per_reason: int
    facts_per_sheet: int
    facts_per_task: int
    cache_seconds: int
    direction_tolerance: float
    maximum_sentences: int
    maximum_characters: int


class DecisionPolicy(TypedDict):
    """Everything the decision path is configured by."""

    request: RequestPolicy
    control: ControlPolicy
    fallback: FallbackPolicy
    ranking: RankingPolicy
    reasons: ReasonPolicy


class CallPolicy(TypedDict):
    """One Converse call: model id (empty: the deployment's first) and budgets."""

    model: str
    max_tokens: int
    attempts: int
    seconds: float


class SelectPolicy(CallPolicy):
    """The feature selector: `model` calls Converse, `rank` takes the strongest facts."""

    mode: str


class ReasonAgentPolicy(TypedDict):
    """The two agents that rewrite a reason."""

    prompt_version: str
    temperature: float
    select: SelectPolicy
    write: CallPolicy
    seconds_per_item: float


class OpsPolicy(TypedDict):
    """Bounds of the ops agent's checks."""

    rule_share_maximum: float
    rejected_share_maximum: float
    latency_p95_ms_maximum: float
    failed_runs_maximum: int
    recommendations_minimum: int


class AuditPolicy(TypedDict):
    """Bounds of the audit agent's checks."""

    decisions_minimum: int
    disclosure_share_minimum: float
    version_share_minimum: float
    digest_share_minimum: float
    faithful_share_minimum: float
    abstained_share_maximum: float
    rule_share_maximum: float
    top_product_share_maximum: float


class ReviewPolicy(TypedDict):
    """The scheduled review."""

    prompt_version: str
    model: str
    temperature: float
    vote_temperature: float
    max_tokens: int
    attempts: int
    seconds: float
    votes: int
    hours: int
    decisions: int
    runs: int
    ops: OpsPolicy
    audit: AuditPolicy


class AgentsPolicy(TypedDict):
    """Everything the agents are configured by."""

    reasons: ReasonAgentPolicy
    review: ReviewPolicy
