"""One environment: where it is deployed, what its jobs run on and what it may cost."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from configs.contracts.names import Function
from configs.contracts.stages import STAGES, JobKind, Stage
from configs.settings.base import CONFIGS, Strict, read_yaml, validate
from configs.settings.instances import load_instances

ENVIRONMENTS = ("local", "dev", "prod")
SPOT_PATIENCE_S = 3600
"""How long a spot job may wait for capacity on top of its own time limit."""


class JobSettings(Strict):
    """What one stage's job runs on.

    Attributes:
        instance_count: more than one only for a sharded stage, at most one for each customer shard
            of the data set; every one of them is paid for.
        volume_gib: storage volume in GiB.
        max_run_s: time limit in seconds; SageMaker stops the job then.
        spot: managed spot capacity (training jobs only).
    """

    instance_type: str = Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    instance_count: int = Field(ge=1, le=100)
    volume_gib: int = Field(ge=10, le=16384)
    max_run_s: int = Field(ge=60, le=5 * 86400)
    spot: bool

    @property
    def max_wait_s(self) -> int:
        """Longest time in seconds from request to end."""
        return self.max_run_s + (SPOT_PATIENCE_S if self.spot else 0)

    @property
    def volume_key(self) -> bool:
        """Whether the instance type accepts a volume key."""
        return load_instances().accepts_volume_key(self.instance_type)


class BudgetSettings(Strict):
    """Limits in USD that the budget guard and the budget alarm hold."""

    per_run_usd: float = Field(gt=0)
    monthly_usd: float = Field(gt=0)


class ApprovalSettings(Strict):
    """How long a person has, and whether it must be another than the submitter."""

    timeout_s: int = Field(ge=60, le=30 * 86400)
    approver_must_differ: bool


class ObjectLockSettings(Strict):
    """Default retention of the audit bucket."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int = Field(ge=1, le=36500)


class LakeExpirySettings(Strict):
    """When overwritten objects and checkpoints are deleted, in days."""

    noncurrent_days: int = Field(ge=1)
    checkpoint_days: int = Field(ge=1)


class ServingSettings(Strict):
    """The API and what stands behind it.

    Attributes:
        throttle_rate: requests a second over all callers.
        owns_account_logging: whether this environment owns the API Gateway log role, of which
            there is one an account and region.
        reason_concurrency: reason workers at once.
        reserved_concurrency: function -> executions kept free for it.
    """

    waf: bool
    throttle_rate: int = Field(ge=1)
    throttle_burst: int = Field(ge=1)
    owns_account_logging: bool
    reason_concurrency: int = Field(ge=2, le=1000)
    reserved_concurrency: dict[Function, int]


class ModelSettings(Strict):
    """A language model or inference profile, and the regions that it may route to."""

    id: str
    regions: tuple[str, ...] = Field(min_length=1)

    @field_validator("id")
    @classmethod
    def _stays_in_reach(cls, value: str) -> str:
        if value.startswith("global."):
            raise ValueError("a global profile may leave the country: name a regional one")
        return value

    @property
    def foundation_model(self) -> str:
        """The id without the profile's geography."""
        geography, _, rest = self.id.partition(".")
        return rest if geography in ("apac", "us", "eu", "jp", "au") else self.id

    @property
    def is_profile(self) -> bool:
        """Whether the id names an inference profile."""
        return self.foundation_model != self.id


class BedrockSettings(Strict):
    """Models that the agents may call; the first is the default."""

    models: tuple[ModelSettings, ...] = Field(min_length=1)


class ReviewScheduleSettings(Strict):
    """When `ops_review` runs (EventBridge Scheduler expression, UTC)."""

    schedule: str = Field(pattern=r"^(cron|rate)\(.+\)$")
    enabled: bool


class AlarmSettings(Strict):
    """What alarms demand."""

    latency_p95_ms: float = Field(gt=0)
    rule_share: float = Field(gt=0, lt=1)
    queue_age_s: int = Field(ge=60)


LogRetention = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653]


class EnvironmentSettings(Strict):
    """`configs/env/<name>.yaml`.

    Attributes:
        name: the file's name.
        account: 12 digits, or None to take the account of the credentials.
        removal: what happens to data when a stack is deleted.
        billed: whether it runs in an account that is billed at all.
        python: version of the function runtime; `interpreter` takes the one that synthesises.
    """

    name: str
    account: str | None = Field(pattern=r"^\d{12}$")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    removal: Literal["destroy", "retain"]
    billed: bool
    python: str = Field(pattern=r"^(interpreter|3\.\d+)$")
    log_retention_days: LogRetention
    object_lock: ObjectLockSettings
    lake_expiry: LakeExpirySettings
    jobs: dict[Stage, JobSettings]
    budget: BudgetSettings
    approval: ApprovalSettings
    publish_concurrency: int = Field(ge=1, le=40)
    serving: ServingSettings
    bedrock: BedrockSettings
    ops_review: ReviewScheduleSettings
    alarms: AlarmSettings

    @field_validator("jobs")
    @classmethod
    def _every_stage(cls, jobs: dict[Stage, JobSettings]) -> dict[Stage, JobSettings]:
        if missing := [stage.value for stage in STAGES if stage not in jobs]:
            raise ValueError(f"no job for {', '.join(missing)}")
        for stage, job in jobs.items():
            contract = STAGES[stage]
            if job.spot and contract.kind is not JobKind.TRAINING:
                raise ValueError(f"{stage}: processing jobs have no spot capacity")
            if job.instance_count > 1 and not contract.sharded:
                raise ValueError(f"{stage}: runs on one instance")
        return jobs

    @model_validator(mode="after")
    def _prod_is_kept(self) -> "EnvironmentSettings":
        if self.name == "prod" and not (
            self.removal == "retain"
            and self.object_lock.mode == "COMPLIANCE"
            and self.approval.approver_must_differ
        ):
            raise ValueError(
                "prod: removal is 'retain', object_lock.mode 'COMPLIANCE' and "
                "approval.approver_must_differ true"
            )
        return self

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Ids of the models that the agents may call."""
        return tuple(model.id for model in self.bedrock.models)


def load_environment(name: str) -> EnvironmentSettings:
    """Return an environment's settings.

    Raises:
        SettingsError: there is no such file, or a key or value in it is wrong.
    """
    path = CONFIGS / "env" / f"{name}.yaml"
    raw = read_yaml(path)
    if isinstance(raw, dict):
        raw = {"name": name, **raw}
    return validate(EnvironmentSettings, raw, source=str(path))
