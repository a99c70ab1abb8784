"""The one form of a benchmark's result: figures with units, medians and spread, and its origin."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from configs.version import version

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "bench"


@dataclass(frozen=True)
class Figure:
    """One measured quantity over repeated runs.

    Attributes:
        name: what was measured.
        unit: `s`, `ms`, `bytes`, `ratio`, `rows/s`, `count`, `USD`.
        values: one value a run, in the order of the runs.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        """Return the figure with its median, minimum and maximum."""
        return asdict(self) | {
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "runs": len(self.values),
        }


def timed(call: Callable[[], Any], *, runs: int, warmup: int = 1) -> tuple[float, ...]:
    """Return wall seconds of `runs` calls after `warmup` calls that do not count."""
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return tuple(seconds)


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def origin(packages: Sequence[str], *, seed: int | None) -> dict[str, Any]:
    """Return what a figure depends on: versions, machine, seed and commit."""
    return {
        "version": version(),
        "commit": _commit(),
        "seed": seed,
        "python": platform.python_version(),
        "packages": {name: package_version(name) for name in packages},
        "machine": {"cores": os.cpu_count(), "arch": platform.machine(), "os": platform.platform()},
    }


def publish(
    name: str,
    figures: Sequence[Figure],
    *,
    packages: Sequence[str] = (),
    seed: int | None = None,
    extra: dict[str, Any] | None = None,
) -> Path:
    """Print the table and write `out/bench/<name>.json`; returns the file."""
    grid = Table("figure", "median", "min", "max", "unit", "runs", title=f"bench-{name}")
    for row in figures:
        grid.add_row(
            row.name,
            f"{row.median:.4g}",
            f"{min(row.values):.4g}",
            f"{max(row.values):.4g}",
            row.unit,
            str(len(row.values)),
        )
    Console(file=sys.stderr if "--json" in sys.argv else sys.stdout).print(grid)
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    content = {
        "benchmark": name,
        "figures": [row.as_json() for row in figures],
        "origin": origin(packages, seed=seed),
        **(extra or {}),
    }
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(content) + "\n")
    return path
