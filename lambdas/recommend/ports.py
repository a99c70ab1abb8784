"""What the recommendation service needs of the outside world.

Every method raises StoreUnavailable when it cannot do what it says; nothing returns a guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lambdas.decision.language import Language
from lambdas.decision.model import ServingModel
from lambdas.decision.policy import AgentsPolicy, DecisionPolicy
from lambdas.stores.control_items import ControlState


class Control(Protocol):
    """Model pointer and kill switch."""

    def read(self, *, fresh: bool = False) -> ControlState:
        """Return the present state."""
        ...


class Models(Protocol):
    """Published model packages."""

    @property
    def last(self) -> ServingModel | None:
        """The model loaded last by this process, if any."""
        ...

    def load(self, version: str, prefix: str) -> ServingModel:
        """Return a model; also raises BadPackage when its files are not what they should be."""
        ...


class Customers(Protocol):
    """Serving records."""

    def get(self, customer_id: str, model_version: str) -> str | None:
        """Return the record line, None when the customer has none."""
        ...


class Reasons(Protocol):
    """Verified drafts."""

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return key -> draft of those present."""
        ...


class Decisions(Protocol):
    """The decision log."""

    def put(self, record: Mapping[str, Any]) -> None:
        """Write one record, conditionally on its absence."""
        ...


class Rewrites(Protocol):
    """The rewrite queue."""

    def send(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Queue orders."""
        ...


class Clock(Protocol):
    """The time, and new ids."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...

    def new_id(self) -> str:
        """Return an id that was never used."""
        ...


@dataclass(frozen=True)
class Ports:
    """All of them together, with the settings of the bundle."""

    control: Control
    models: Models
    customers: Customers
    reasons: Reasons
    decisions: Decisions
    rewrites: Rewrites
    clock: Clock
    policy: DecisionPolicy
    agents: AgentsPolicy
    languages: Mapping[str, Language]
    version: str
