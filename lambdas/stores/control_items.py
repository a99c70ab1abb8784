"""The control table as the decision path reads it: model pointer and kill switch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from configs.contracts.names import Control
from configs.contracts.storage import Prefix
from configs.contracts.tables import Table
from lambdas.stores.bounded import StoreUnavailable, answering

OFF, ON = "off", "on"


@dataclass(frozen=True)
class ControlState:
    """Which model serves, and whether models may answer at all."""

    kill_switch: str
    model_version: str | None
    prefix: str | None


class ControlItems:
    """Reads both items, at most once in `cache_seconds`; a failed read is never cached."""

    def __init__(
        self, client: Any, *, cache_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._seconds = cache_seconds
        self._clock = clock
        self._state: ControlState | None = None
        self._read_at = 0.0

    def read(self, *, fresh: bool = False) -> ControlState:
        """Return the state. Raises StoreUnavailable when it cannot be read or understood."""
        now = self._clock()
        if not fresh and self._state is not None and now - self._read_at < self._seconds:
            return self._state
        self._state = None
        pointer = self._item(Control.SERVING_MODEL)
        switch = self._item(Control.KILL_SWITCH)
        state = switch.get("state", {}).get("S", "") if switch else OFF
        if state not in (ON, OFF):
            raise StoreUnavailable(
                "the kill switch is neither 'on' nor 'off'", remedy="write one of the two"
            )
        version = pointer.get("model_version", {}).get("S")
        default = f"{Prefix.SERVING}{version}/" if version else None
        prefix = pointer.get("prefix", {}).get("S", default)
        self._state = ControlState(state, version, prefix)
        self._read_at = now
        return self._state

    def _item(self, name: Control) -> dict[str, Any]:
        with answering("the control table"):
            found = self._client.get_item(
                TableName=Table.CONTROL.value.physical_name(),
                Key={Table.CONTROL.value.partition_key: {"S": name.value}},
                ConsistentRead=True,
            )
        return dict(found.get("Item", {}))
