"""A tiny job for the runner's tests: does what its first argument says."""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

ML = Path(os.environ.get("SEVENLENS_ML_ROOT", "/opt/ml"))
OUT = ML / "processing/output/stage"


def copy() -> None:
    for path in sorted((ML / "processing/input/data").rglob("*")):
        if path.is_file():
            (OUT / path.name).write_bytes(path.read_bytes())


def fail() -> None:
    (ML / "output/failure").write_text("column 'amount' is missing")
    (ML / "output/message").write_text("column 'amount' is missing")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "half.txt").write_text("half")
    sys.exit(3)


def look() -> None:
    """Report what the job can reach of network, credentials and the host's files."""
    found: dict[str, object] = {
        "environment": sorted(os.environ),
        "interfaces": [name for _, name in socket.if_nameindex()],
        "layout": sorted(str(path.relative_to(ML)) for path in ML.rglob("*") if path.is_file()),
        "server_files": [path for path in sys.argv[3:] if os.path.exists(path)],
    }
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=2).close()
        found["server"] = "reached"
    except OSError as error:
        found["server"] = type(error).__name__
    (OUT / "look.json").write_text(json.dumps(found))


def hosts() -> None:
    resources = json.loads((ML / "config/resourceconfig.json").read_text())
    names = sorted(path.name for path in (ML / "processing/input/data").iterdir())
    (OUT / f"{resources['current_host']}.json").write_text(
        json.dumps({"hosts": resources["hosts"], "names": names})
    )


def last_fails() -> None:
    """Fail on the last host; the others say that they were stopped, as our own jobs do."""
    resources = json.loads((ML / "config/resourceconfig.json").read_text())
    here, others = resources["current_host"], resources["hosts"][:-1]

    def end(reason: str, code: int) -> None:
        for name in ("message", "failure"):
            (ML / "output" / name).write_text(reason)
        sys.exit(code)

    signal.signal(signal.SIGTERM, lambda *_: end("the job was asked to stop", 1))
    if here in others:
        sleep()
    time.sleep(1)
    end(f"{here} ran out of memory", 7)


def sleep() -> None:
    print("sleeping", flush=True)
    time.sleep(60)


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep()


def train() -> None:
    """Count to N with a checkpoint a step; stops politely, resumes where it was."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    state = ML / "checkpoints/state.json"
    steps = json.loads(state.read_text()) if state.is_file() else []
    starts = [step for step in steps if step.startswith("start")]
    steps.append(f"start{len(starts)}")
    total, pause = int(sys.argv[2]), float(sys.argv[3])
    while sum(step.startswith("step") for step in steps) < total:
        steps.append(f"step{sum(step.startswith('step') for step in steps)}")
        partial = state.with_suffix(".partial")
        partial.write_text(json.dumps(steps))
        partial.replace(state)
        print(f"epoch loss={1 / len(steps):.4f}", flush=True)
        time.sleep(pause)
    (ML / "model/weights.json").write_text(json.dumps(steps))
    (ML / "output/data/curve.txt").write_text("curve")


def layout() -> None:
    (ML / "model/layout.json").write_text(
        json.dumps(
            {
                "hyperparameters": json.loads(
                    (ML / "input/config/hyperparameters.json").read_text()
                ),
                "resources": json.loads((ML / "input/config/resourceconfig.json").read_text()),
                "channels": json.loads((ML / "input/config/inputdataconfig.json").read_text()),
                "environment": {
                    key: value for key, value in os.environ.items() if key.startswith("SM_")
                },
                "files": sorted(
                    str(path.relative_to(ML / "input/data"))
                    for path in (ML / "input/data").rglob("*")
                    if path.is_file()
                ),
            }
        )
    )


def metrics() -> None:
    print(
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": "Test",
                            "Dimensions": [["service"]],
                            "Metrics": [{"Name": "Rows", "Unit": "Count"}],
                        }
                    ],
                },
                "service": "job",
                "Rows": 42,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    globals()[sys.argv[1]]()
