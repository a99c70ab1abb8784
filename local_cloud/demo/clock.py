"""Seconds by phase, said to a person while it happens."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Measures named phases and writes one line for each start and end.

    Attributes:
        seconds: phase -> seconds, in the order in which phases ended.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._begun

    def say(self, text: str) -> None:
        """Write one line, stamped with the elapsed minutes."""
        minutes, seconds = divmod(int(self.elapsed), 60)
        sys.stdout.write(f"[{minutes:2d}:{seconds:02d}] {text}\n")
        sys.stdout.flush()

    @contextmanager
    def phase(self, name: str, what: str) -> Iterator[None]:
        """Measure a phase; its seconds are kept even when it fails."""
        self.say(f"{what} ...")
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 2)
        self.say(f"{name}: {self.seconds[name]:.1f} s")
