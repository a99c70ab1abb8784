"""Starting a process as a job instance, and finding out what this machine allows."""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from local_cloud.settings import ROOT

ENTER = Path(__file__).with_name("enter.py")
ROOT_VARIABLE = "SEVENLENS_ML_ROOT"
"""Read by job entry points where `/opt/ml` cannot be mounted."""
PYTHONS = ("python", "python3")


def _plan(argv: list[str], root: Path, hidden: list[Path], *, isolated: bool) -> list[str]:
    plan = {
        "argv": [sys.executable if argv[0] in PYTHONS else argv[0], *argv[1:]],
        "root": str(root),
        "hidden": [str(path) for path in hidden],
        "isolated": isolated,
        "root_variable": ROOT_VARIABLE,
    }
    return [sys.executable, "-I", "-S", str(ENTER), json.dumps(plan)]


@cache
def isolated() -> bool:
    """Whether this machine lets a job have its own mounts and no network."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            _plan(["true"], Path(folder), [], isolated=True),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=ROOT,
        )
    return done.returncode == 0


def start(
    argv: list[str], *, root: Path, environment: dict[str, str], hidden: list[Path]
) -> subprocess.Popen[bytes]:
    """Start one instance from the checkout's root; output and errors come as one stream.

    Args:
        argv: the image's entry point and arguments; `{ml}` stands for the layout's root.
        root: folder shown as `/opt/ml`.
        environment: all variables of the process.
        hidden: folders that a job must not see.
    """
    return subprocess.Popen(
        _plan(argv, root, hidden, isolated=isolated()),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
