"""The price table, and what follows from it: standing monthly cost and the worst case of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import Field

from configs.contracts.stages import Image, Stage
from configs.errors import SettingsError
from configs.settings.base import CONFIGS, Strict, load
from configs.settings.environment import EnvironmentSettings


class Footprint(Strict):
    """What stands in an environment while nobody uses it."""

    kms_keys: int = Field(ge=0)
    alarms: int = Field(ge=0)
    dashboards: int = Field(ge=0)
    web_acl_rules: int = Field(ge=0)
    image_gib: dict[Image, float]


class PriceTable(Strict):
    """Prices in USD: per instance hour, and per month for what stands."""

    as_of: date
    region: str
    sources: tuple[str, ...] = Field(min_length=1)
    instance_hour: dict[str, float]
    kms_key: float = Field(ge=0)
    alarm: float = Field(ge=0)
    dashboard: float = Field(ge=0)
    web_acl: float = Field(ge=0)
    web_acl_rule: float = Field(ge=0)
    ecr_gib: float = Field(ge=0)
    footprint: Footprint

    def hour(self, instance_type: str) -> float:
        """Return the price of one instance hour. Raises SettingsError when it is not listed."""
        try:
            return self.instance_hour[instance_type]
        except KeyError as error:
            raise SettingsError(
                f"prices.yaml: instance_hour has no {instance_type}",
                remedy="add its price: a run without a known worst case is not started",
            ) from error


@dataclass(frozen=True)
class Cost:
    """A sum in USD and what it is made of."""

    items: Mapping[str, float]

    @property
    def total(self) -> float:
        """The sum in USD."""
        return sum(self.items.values())


def load_prices() -> PriceTable:
    """Return the validated price table. Raises SettingsError naming file and key."""
    return load(PriceTable, CONFIGS / "prices.yaml")


def standing_cost(settings: EnvironmentSettings, prices: PriceTable) -> Cost:
    """Return USD a month of an environment that nobody uses; storage of data apart."""
    if not settings.billed:
        return Cost({})
    standing = prices.footprint
    items = {
        "keys": standing.kms_keys * prices.kms_key,
        "alarms": standing.alarms * prices.alarm,
        "dashboards": standing.dashboards * prices.dashboard,
        "images": sum(standing.image_gib.values()) * prices.ecr_gib,
    }
    if settings.serving.waf:
        items["web firewall"] = prices.web_acl + standing.web_acl_rules * prices.web_acl_rule
    return Cost(items)


def worst_case_cost(settings: EnvironmentSettings, prices: PriceTable) -> Cost:
    """Return USD of a run in which every job takes its whole time limit, by stage.

    Spot savings are not counted on.
    """
    return Cost(
        {
            stage.value: prices.hour(job.instance_type) * job.instance_count * job.max_run_s / 3600
            for stage, job in settings.jobs.items()
        }
    )


def hourly(settings: EnvironmentSettings, prices: PriceTable) -> dict[Stage, float]:
    """Return USD an hour of one instance of each stage's job."""
    return {stage: prices.hour(job.instance_type) for stage, job in settings.jobs.items()}
