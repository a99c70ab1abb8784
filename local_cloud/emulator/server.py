"""Serving: one process holding the lock of its folder, plug-ins first, state written as it goes."""

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from asyncio import constants
from pathlib import Path
from typing import Any

from configs.errors import SevenLensError
from local_cloud.emulator import internals
from local_cloud.emulator.options import (
    CLIENT_NAME,
    LOCK_NAME,
    SERVER_NAME,
    Options,
    client_environment,
    emulator_environment,
)
from local_cloud.emulator.snapshots import Snapshots
from local_cloud.settings import LocalCloudSettings, local_cloud_settings

PORT_NAME = "port"
TLS_CLOSE_S = 0.3
"""Seconds a closing connection may take; asyncio would wait 30 for each client that keeps one."""


class AlreadyRunning(SevenLensError):
    """Another server holds this folder."""


def _hold(home: Path) -> Any:
    """Take the folder's lock for the life of this process; the kernel gives it back."""
    home.mkdir(parents=True, exist_ok=True)
    held = (home / LOCK_NAME).open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise AlreadyRunning(
            f"an embedded AWS already serves from {home}", remedy="stop it with `make down`"
        ) from error
    return held


def _listen(options: Options) -> socket.socket:
    """Bind the wanted port, else the one that this state was served on before, else any.

    Queue addresses in stored state hold the port, so the same port is wanted after a restart.
    """
    remembered = options.state / PORT_NAME
    wanted = options.port or (int(remembered.read_text()) if remembered.is_file() else 0)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", wanted))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    options.state.mkdir(parents=True, exist_ok=True)
    remembered.write_text(str(listener.getsockname()[1]))
    return listener


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or the file before it."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(path)


def _end_with_parent(stop: Any) -> None:
    sys.stdin.buffer.read()
    stop()


async def _serve(options: Options, listener: socket.socket, settings: LocalCloudSettings) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from local_cloud.emulator.plugins import application

    setattr(constants, "SSL_SHUTDOWN_TIMEOUT", TLS_CLOSE_S)  # noqa: B010 - typed as final
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if options.tied:
        threading.Thread(
            target=_end_with_parent,
            args=(lambda: loop.call_soon_threadsafe(ended.set),),
            daemon=True,
        ).start()

    port = listener.getsockname()[1]
    snapshots = Snapshots(settings.snapshot_seconds)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile = os.environ["MINISTACK_SSL_CERT"]
    config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"

    def ready() -> None:
        write_atomically(
            options.home / CLIENT_NAME, client_environment(port, options.home, settings.region)
        )
        write_atomically(
            options.home / SERVER_NAME,
            {"pid": os.getpid(), "port": port, "state": str(options.state)},
        )

    async def ending() -> None:
        await ended.wait()
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # clients that keep connections

    served: Any = application(options, settings, snapshots, ready)
    server = asyncio.create_task(hypercorn_serve(served, config, shutdown_trigger=ending))
    saver = asyncio.create_task(snapshots.keep())
    try:
        await server
    finally:
        saver.cancel()
        for name in (CLIENT_NAME, SERVER_NAME):
            (options.home / name).unlink(missing_ok=True)


def serve(options: Options) -> None:
    """Serve until SIGTERM, SIGINT, or the end of standard input where tied to it.

    Raises:
        AlreadyRunning: another process serves from the same folder.
        EmulatorChanged: the installed emulator is another version.
    """
    settings = local_cloud_settings()
    held = _hold(options.home)
    for left in ("jobs", "tmp"):
        shutil.rmtree(options.home / left, ignore_errors=True)
    listener = _listen(options)
    emulator_environment(options, listener.getsockname()[1], settings)
    internals.check()
    code = 1
    try:
        asyncio.run(_serve(options, listener, settings))
        code = 0
    except Exception:  # noqa: BLE001 - the process ends below, whatever it was
        traceback.print_exc()
    held.close()
    os._exit(code)  # threads of stopped executions must not keep the process
