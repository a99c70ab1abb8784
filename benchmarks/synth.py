"""`make bench-synth`: seconds of synthesis for each environment, and of deploying onto a new
embedded AWS."""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.record import ROOT, Figure, publish, timed
from local_cloud import session

RUNS = 5


def _synth(env: str, out: Path) -> None:
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "SEVENLENS_ENV": env, "CDK_OUTDIR": str(out)},
        capture_output=True,
        check=True,
    )


def _deploy(assembly: Path) -> float:
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as state, session(persist=Path(state)) as cloud:
        seconds += timed(lambda: cloud.deploy(assembly, say=lambda _text: None), runs=1, warmup=0)
    return seconds[0]


def main() -> None:
    """Measure and publish."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as temporary:
        for env in ("local", "dev", "prod"):
            out = Path(temporary) / env
            seconds = timed(partial(_synth, env, out), runs=RUNS)
            figures.append(Figure(f"synth.{env}", "s", seconds))
        assembly = Path(temporary) / "local"
        figures.append(Figure("deploy.local", "s", tuple(_deploy(assembly) for _ in range(RUNS))))
    publish("synth", figures, packages=("aws-cdk-lib", "ministack"))


if __name__ == "__main__":
    main()
