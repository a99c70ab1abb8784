"""Logical DynamoDB tables. Physical names come from CDK through the environment."""

import os
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class TableContract:
    """A table: logical name, keys (all strings) and the attribute that expires items, if any."""

    name: str
    partition_key: str
    sort_key: str | None = None
    ttl: str | None = None
    stream: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that carries the physical name."""
        return f"TABLE_{self.name.upper()}"

    def physical_name(self) -> str:
        """Return the physical name. Raises KeyError naming the variable when it is not set."""
        return os.environ[self.variable]


class Table(Enum):
    """All tables of the application."""

    STAGES = TableContract("stages", "stage", "stage_key")
    """Leases and commits of content-addressed stages."""
    RUNS = TableContract("runs", "run_id", "entry")
    """One run's own ledger: entry `run` (status, reason, submitter), `stage#<name>`, `cost#<n>`."""
    APPROVALS = TableContract("approvals", "package_arn", ttl="expires_at")
    """Task tokens (encrypted) of packages waiting for a person."""
    CUSTOMERS = TableContract("customers", "customer_id", "model_version")
    """Serving records: packed features, lens shares, suitability facts."""
    CONTROL = TableContract("control", "name")
    """Pointers and switches: `serving_model`, `kill_switch`."""
    DECISIONS = TableContract("decisions", "decision_id", stream=True)
    """One record an answer, written before the answer."""
    REASONS = TableContract("reasons", "cache_key", ttl="expires_at")
    """Verified reason texts."""
