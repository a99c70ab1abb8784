"""Everything that we add to the emulator, installed before it serves the first request."""

from collections.abc import Awaitable, Callable
from typing import Any

from local_cloud.emulator import (
    control,
    converse,
    emf,
    executions,
    functions,
    guardrails,
    permissions,
)
from local_cloud.emulator.internals import part
from local_cloud.emulator.options import Options
from local_cloud.emulator.resources import install as install_resources
from local_cloud.emulator.sagemaker import install as install_sagemaker
from local_cloud.emulator.snapshots import Snapshots
from local_cloud.settings import LocalCloudSettings

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
READING = ("GET", "HEAD", "OPTIONS")


def application(
    options: Options,
    settings: LocalCloudSettings,
    snapshots: Snapshots,
    ready: Callable[[], None],
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the emulator's ASGI application with our services in it.

    Args:
        options: the server's folders.
        settings: its settings.
        snapshots: told of every change.
        ready: called once state is loaded and requests are answered.
    """
    permissions.install()
    jobs = install_sagemaker(options, settings)
    executions.install(jobs)
    install_resources(settings)
    guardrails.install()
    functions.install()
    writer = converse.install()
    emf.install()
    emulator = part("app", "app")
    commands = control.Commands(snapshots=snapshots, jobs=jobs, writer=writer)

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await emulator(scope, receive, _announcing(send, ready))
            return
        if scope["type"] == "http" and scope["path"].startswith(control.PREFIX):
            await commands.answer(scope, receive, send)
            return
        if scope["type"] == "http" and not (
            scope["method"] in READING and scope["path"].startswith("/_ministack")
        ):
            snapshots.changed()
        await emulator(scope, receive, send)

    return served


def _announcing(send: Send, ready: Callable[[], None]) -> Send:
    async def announced(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            ready()
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            executions.announce_lost()

    return announced
