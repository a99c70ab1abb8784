"""Writing the emulator's state while it runs, so that a killed server loses seconds, not a run."""

import asyncio
import threading
import time
from typing import Any

from local_cloud.emulator.internals import part

SHARE = 20
"""A snapshot may take at most one part in this many of the time."""


class Snapshots:
    """Saves all services' state after changes, and whenever asked to.

    Object bodies are on disk as soon as they are put; this covers everything else.

    Args:
        interval: seconds between two snapshots while state changes.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._changes = 0
        self._saved = 0
        self._guard = threading.Lock()
        self._write = part("app", "save_all")
        part("app").save_all = self._alone

    def _alone(self, services: Any) -> None:
        """Write one snapshot at a time: two at once would take each other's files."""
        with self._guard:
            self._write(services)

    def changed(self) -> None:
        """Note that state may have changed."""
        self._changes += 1

    def save(self) -> float:
        """Write all state now; returns the seconds it took."""
        begun = time.monotonic()
        seen = self._changes
        self._alone(part("app", "_build_persistence_save_dict")())
        self._saved = seen
        return time.monotonic() - begun

    async def keep(self) -> None:
        """Save after changes, for ever; slow snapshots make the pauses longer."""
        pause = self._interval
        while True:
            await asyncio.sleep(pause)
            if self._changes != self._saved:
                pause = max(self._interval, SHARE * await asyncio.to_thread(self.save))
