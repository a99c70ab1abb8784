"""One instance of a running job: its process, its log stream, its metrics."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from local_cloud.emulator.sagemaker.isolation import start

LINE_LIMIT = 256 * 1024
FLUSH_S = 0.05


class Instance:
    """A started process whose output becomes log events.

    Args:
        argv: entry point and arguments.
        root: its `/opt/ml`.
        environment: its variables.
        hidden: folders it must not see.
        log: receives batches of lines.
    """

    def __init__(
        self,
        argv: list[str],
        *,
        root: Path,
        environment: dict[str, str],
        hidden: list[Path],
        log: Callable[[list[str]], None],
    ) -> None:
        self.root = root
        self.process: subprocess.Popen[bytes] = start(
            argv, root=root, environment=environment, hidden=hidden
        )
        self._log = log
        self._lines: list[str] = []
        self._guard = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            with self._guard:
                self._lines.append(raw[:LINE_LIMIT].decode(errors="replace").rstrip("\r\n"))

    def flush(self) -> None:
        """Hand on the lines that have come since the last call."""
        with self._guard:
            lines, self._lines = self._lines, []
        if lines:
            self._log(lines)

    def signal(self, number: int) -> None:
        """Send a signal to the entry point, as SageMaker does to the container."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def finish(self) -> int:
        """Wait for the process, end what it left behind, and return its exit code."""
        code = self.process.wait()
        with contextlib.suppress(ProcessLookupError):  # nothing of its group was left
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reader.join(timeout=2)
        self.flush()
        return code


def wait_all(
    instances: list[Instance], *, until: Callable[[], bool], tick: Callable[[], None]
) -> None:
    """Wait until all have ended, one has failed, or `until` says so; logs flow meanwhile."""
    while not until():
        codes = [instance.process.poll() for instance in instances]
        for instance in instances:
            instance.flush()
        if all(code is not None for code in codes) or any(codes):
            return
        tick()
        time.sleep(FLUSH_S)


def terminate(instances: list[Instance], grace: float) -> None:
    """SIGTERM, then SIGKILL after the grace time."""
    for instance in instances:
        instance.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    for instance in instances:
        try:
            instance.process.wait(timeout=max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            instance.signal(signal.SIGKILL)


class Metrics:
    """Finds a training job's metrics in its log lines."""

    def __init__(self, definitions: dict[str, str]) -> None:
        self._definitions = {name: re.compile(text) for name, text in definitions.items()}
        self.latest: dict[str, float] = {}

    def read(self, lines: list[str]) -> list[tuple[str, float]]:
        """Return (name, value) in the order of the lines, and remember the last of each."""
        found = []
        for line in lines:
            for name, pattern in self._definitions.items():
                match = pattern.search(line)
                if match is None:
                    continue
                try:
                    value = float(match.group(1))
                except (ValueError, IndexError):
                    continue
                self.latest[name] = value
                found.append((name, value))
        return found
