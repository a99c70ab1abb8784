"""`make bench-demo`: the whole demo from a fresh clone, cold once and warm several times.

Cold: a new clone, so set-up, synthesis and every stage run (package download caches of pip and
npm are used if the machine has them). Warm: the same clone with nothing kept but the
installation, so every stage runs again. Unchanged: a repeated demo that skips committed stages.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Figure, publish


def _demo(folder: Path, customers: int) -> dict[str, Any]:
    begun = time.perf_counter()
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", "JSON=1", f"CUSTOMERS={customers}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"make demo failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    seconds: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["seconds"]
    return seconds | {"wall": time.perf_counter() - begun}


def _forget_runs(folder: Path) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "build" / "data", ignore_errors=True)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--warm", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as temporary:
        clone = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        cold = _demo(clone, given.customers)
        warm = []
        for _ in range(given.warm):
            _forget_runs(clone)
            warm.append(_demo(clone, given.customers))
        unchanged = _demo(clone, given.customers)
    figures = [Figure("cold.wall", "s", (cold["wall"],))]
    figures += [
        Figure(f"warm.{phase}", "s", tuple(run[phase] for run in warm if phase in run))
        for phase in sorted(warm[0])
    ]
    figures.append(Figure("unchanged.wall", "s", (unchanged["wall"],)))
    figures.append(Figure("unchanged.pipeline", "s", (unchanged["pipeline"],)))
    publish("demo", figures, packages=("ministack", "torch", "lightgbm", "aws-cdk-lib"), seed=0)


if __name__ == "__main__":
    main()
