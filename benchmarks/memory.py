"""A command in processes of its own: its seconds, and the peak memory of all of them together."""

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import ROOT

EVERY_S = 0.05
PAGE = resource.getpagesize()


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: wall seconds.
        cpu_seconds: of all its processes, user and system.
        peak_rss: largest sum of the resident sizes of all its processes, in bytes, sampled every
            `EVERY_S`; pages that processes share count in each, so it is an upper bound.
    """

    seconds: float
    cpu_seconds: float
    peak_rss: int


def _tree(root: int) -> list[int]:
    """Return a process and all its descendants. Linux only."""
    found, open_ = [], [root]
    while open_:
        process = open_.pop()
        found.append(process)
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                open_ += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def _resident(processes: Sequence[int]) -> int:
    pages = 0
    for process in processes:
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return pages * PAGE


def measured(command: Sequence[str]) -> Cost:
    """Run a command in the project's root to its end and return what it took.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before = os.times()
    begun = time.perf_counter()
    peak = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _resident(_tree(process.pid)))
            time.sleep(EVERY_S)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Cost(seconds, cpu, peak)
