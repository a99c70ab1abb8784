"""What a server is started with, and the environment the emulator reads it from."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from local_cloud.certificate import ensure_certificate
from local_cloud.settings import LocalCloudSettings

CLIENT_NAME = "client.json"
SERVER_NAME = "server.json"
LOCK_NAME = "lock"
LOG_NAME = "server.log"
KEY = "test"
"""The emulator's root key; it is reachable from this machine's loopback only."""


@dataclass(frozen=True)
class Options:
    """One server.

    Attributes:
        home: folder for lock, certificate, log and job folders.
        state: folder for state.
        port: preferred port, 0 for any.
        tied: end when standard input ends, as it does when the starting process dies.
    """

    home: Path
    state: Path
    port: int
    tied: bool

    def arguments(self) -> list[str]:
        """Return the command line that `parse` reads."""
        return [
            *("--home", str(self.home), "--state", str(self.state), "--port", str(self.port)),
            *(["--tied"] if self.tied else []),
        ]


def parse(arguments: list[str] | None = None) -> Options:
    """Return the options of a server process."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud.emulator")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tied", action="store_true")
    given = parser.parse_args(arguments)
    return Options(given.home, given.state, given.port, given.tied)


def client_environment(port: int, home: Path, region: str) -> dict[str, str]:
    """Return the variables with which any AWS client reaches the server."""
    files = ensure_certificate(home / "tls")
    return {
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CA_BUNDLE": str(files.bundle),
        "REQUESTS_CA_BUNDLE": str(files.bundle),
        "NODE_EXTRA_CA_CERTS": str(files.certificate),
    }


def emulator_environment(options: Options, port: int, settings: LocalCloudSettings) -> None:
    """Set what the emulator reads from its environment when it is imported.

    Nothing of the caller's AWS configuration reaches it: a profile or a token of a real account
    must neither be used nor be handed to Lambda code.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_"))]:
        del os.environ[name]
    files = ensure_certificate(options.home / "tls")
    scratch = options.home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(files.certificate),
            "MINISTACK_SSL_KEY": str(files.key),
            "AWS_CA_BUNDLE": str(files.bundle),
            "REQUESTS_CA_BUNDLE": str(files.bundle),
            "NODE_EXTRA_CA_CERTS": str(files.certificate),
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": settings.region,
            "MINISTACK_ACCOUNT_ID": settings.account,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(options.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(options.state / "s3"),
            "SFN_WAIT_SCALE": str(settings.wait_scale),
            "DOCKER_HOST": f"unix://{options.home}/no-docker.sock",
            "TMPDIR": str(scratch),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LOG_LEVEL": os.environ.get("SEVENLENS_EMULATOR_LOG", "WARNING"),
        }
    )
