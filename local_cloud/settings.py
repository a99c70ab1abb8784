"""Settings of the embedded AWS, from `configs/local_cloud.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from configs.settings.base import CONFIGS, Strict, load

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: jobs run from here, with the code that stands here."""
HOME = ROOT / "build" / "local"
"""Lock, certificate, logs and working folders of this checkout's server."""
STATE = ROOT / "out" / "local"
"""Where this checkout's embedded AWS keeps its state between two starts."""


class JobSettings(Strict):
    """How the job runner behaves.

    Attributes:
        grace_seconds: seconds between SIGTERM and SIGKILL.
        sync_seconds: seconds between two looks for changed checkpoints.
        image_tag: tag of an ECR repository that names its folder in `containers/`.
    """

    grace_seconds: float = Field(gt=0, le=120)
    sync_seconds: float = Field(gt=0, le=60)
    image_tag: str = Field(min_length=1)


class LocalCloudSettings(Strict):
    """The server.

    Attributes:
        region: region of clients and of the server's own work.
        account: account id, 12 digits.
        start_seconds: seconds within which the server must answer.
        snapshot_seconds: state is written at least this often while it changes.
        wait_scale: factor on state machine waits and retry intervals.
        jobs: the job runner.
        inert_types: CloudFormation type -> what its absence means offline.
        inert_properties: type -> property -> what is missing offline where it is used.
    """

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    account: str = Field(pattern=r"^\d{12}$")
    start_seconds: float = Field(gt=0)
    snapshot_seconds: float = Field(gt=0)
    wait_scale: float = Field(ge=0, le=1)
    jobs: JobSettings
    inert_types: dict[str, str]
    inert_properties: dict[str, dict[str, str]]

    def inert(self, resource: Mapping[str, Any]) -> str | None:
        """Return why a template's resource does nothing offline, None if it works."""
        kind = resource["Type"]
        used = resource.get("Properties", {})
        for name, reason in self.inert_properties.get(kind, {}).items():
            if name in used:
                return f"{kind} with {name} is recorded only: {reason}"
        if kind in self.inert_types:
            return f"{kind} is recorded only: {self.inert_types[kind]}"
        return None


@cache
def local_cloud_settings() -> LocalCloudSettings:
    """Return the validated settings. Raises SettingsError naming file and key."""
    return load(LocalCloudSettings, CONFIGS / "local_cloud.yaml")
