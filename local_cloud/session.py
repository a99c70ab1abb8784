"""Starting, finding and stopping the embedded AWS of a folder, and reaching it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from configs.errors import SevenLensError
from local_cloud.deploy import deploy
from local_cloud.emulator.control import PREFIX
from local_cloud.emulator.options import CLIENT_NAME, LOG_NAME, SERVER_NAME, Options
from local_cloud.settings import HOME, ROOT, STATE, local_cloud_settings

POLL_S = 0.05
STOP_S = 60.0
LOG_LINES = 12
_tied: dict[int, "subprocess.Popen[bytes]"] = {}
"""Servers that end with this process, by process id: they end when the pipe to them is closed, as
it would be by the collection of a handle that nobody holds."""


class NotServing(SevenLensError):
    """The embedded AWS did not start, or is not running."""


@dataclass(frozen=True)
class Cloud:
    """A running embedded AWS.

    Attributes:
        home: its folder; `client.json` in it lets other programs reach it.
        environment: variables with which an AWS client reaches it.
        pid: its process.
    """

    home: Path
    environment: dict[str, str]
    pid: int
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> str:
        """Address of all services, without a trailing slash."""
        return self.environment["AWS_ENDPOINT_URL"]

    @property
    def region(self) -> str:
        """Region of its clients."""
        return self.environment["AWS_DEFAULT_REGION"]

    def boto3_session(self) -> boto3.Session:
        """Return a session with the operator's credentials."""
        return boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        """Return a client of a service, of the operator unless a session is given."""
        if session is None and service in self._clients:
            return self._clients[service]
        made = (session or self.boto3_session()).client(
            service,
            endpoint_url=self.endpoint,
            verify=self.environment["AWS_CA_BUNDLE"],
            config=Config(retries={"mode": "standard", "max_attempts": 2}),
        )
        if session is None:
            self._clients[service] = made
        return made

    def command(self, name: str, **given: Any) -> dict[str, Any]:
        """Send one of the server's own commands (`jobs`, `interrupt`, `writer`, `snapshot`).

        Raises:
            ValueError: it does not know the command or the value.
        """
        answer = requests.post(
            f"{self.endpoint}{PREFIX}{name}",
            json=given,
            verify=self.environment["AWS_CA_BUNDLE"],
            timeout=120,
        )
        content: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise ValueError(content["error"])
        return content

    def deploy(self, assembly: Path, *, say: Callable[[str], None] = print) -> dict[str, Any]:
        """Deploy a synthesised assembly; returns outputs by stack name."""
        outputs = deploy(self.client, assembly, say=say, inert=local_cloud_settings().inert)
        self.command("snapshot")
        return outputs


def _serving(home: Path) -> Cloud | None:
    try:
        server = json.loads((home / SERVER_NAME).read_text())
        environment = json.loads((home / CLIENT_NAME).read_text())
        os.kill(server["pid"], 0)
    except (OSError, ValueError):
        return None
    cloud = Cloud(home, environment, server["pid"])
    try:
        cloud.command("jobs")
    except (requests.RequestException, ValueError):
        return None
    return cloud


def running(home: Path = HOME) -> Cloud | None:
    """Return the embedded AWS that serves from a folder, if one does."""
    return _serving(home)


def start(*, home: Path = HOME, state: Path = STATE, tied: bool, port: int = 0) -> Cloud:
    """Start the embedded AWS and wait until it answers.

    Args:
        home: folder for lock, certificate and logs.
        state: folder for stored state.
        tied: whether it ends with this process.
        port: port to serve on; 0 takes the one that served this state before, else a free one.

    Raises:
        NotServing: it ended or did not answer in time; carries the end of its log.
    """
    home.mkdir(parents=True, exist_ok=True)
    options = Options(home, state, port, tied)
    log = home / LOG_NAME
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.emulator", *options.arguments()],
            cwd=ROOT,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    if tied:
        _tied[process.pid] = process
    deadline = time.monotonic() + local_cloud_settings().start_seconds
    while time.monotonic() < deadline and process.poll() is None:
        cloud = _serving(home)
        if cloud is not None and cloud.pid == process.pid:
            return cloud
        time.sleep(POLL_S)
    _tied.pop(process.pid, None)
    process.kill()
    said = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
    raise NotServing(f"the embedded AWS did not start:\n{said}", remedy=f"see {log}")


def stop(cloud: Cloud) -> None:
    """End the server in good order: jobs killed, state written."""
    _end(cloud)
    _tied.pop(cloud.pid, None)


def _end(cloud: Cloud) -> None:
    try:
        os.kill(cloud.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        try:
            ended, _ = os.waitpid(cloud.pid, os.WNOHANG)
        except ChildProcessError:
            ended = 0 if Path(f"/proc/{cloud.pid}").exists() else cloud.pid
        if ended:
            return
        time.sleep(POLL_S)
    os.kill(cloud.pid, signal.SIGKILL)


@contextmanager
def session(*, home: Path = HOME, persist: Path | None = None, port: int = 0) -> Iterator[Cloud]:
    """Have the embedded AWS for a block of code.

    One that already serves from the folder (`make up`) is used and left running.

    Args:
        home: folder for lock, certificate and logs.
        persist: folder for stored state; None keeps it below `home`.
        port: port to serve on, 0 for any.

    Raises:
        NotServing: it did not start.
    """
    found = running(home)
    if found is not None:
        yield found
        return
    cloud = start(home=home, state=persist or home / "state", tied=True, port=port)
    try:
        yield cloud
    finally:
        stop(cloud)
