"""Commands to the server that AWS has no API for: snapshots, spot interruption, misbehaviour.

They answer on loopback below `/_sevenlens/` and take and give JSON.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.emulator.sagemaker.isolation import isolated
from local_cloud.emulator.sagemaker.jobs import Jobs
from local_cloud.emulator.snapshots import Snapshots
from local_cloud.emulator.writer import Behaviour

PREFIX = "/_sevenlens/"


@dataclass(frozen=True)
class Commands:
    """What can be commanded.

    Attributes:
        snapshots: stored state.
        jobs: SageMaker jobs.
        writer: how Converse answers.
    """

    snapshots: Snapshots
    jobs: Jobs
    writer: Behaviour

    async def _do(self, command: str, given: dict[str, Any]) -> dict[str, Any]:
        if command == "snapshot":
            return {"seconds": await asyncio.to_thread(self.snapshots.save)}
        if command == "jobs":
            return {"processes": self.jobs.processes(), "isolated": isolated()}
        if command == "interrupt":
            return {"interrupted": self.jobs.interrupt(str(given["job"]))}
        if command == "writer":
            self.writer.plant(str(given["mode"]), times=int(given.get("times", 1)))
            return {"planted": self.writer.planted}
        raise LookupError(f"unknown command '{command}'")

    async def answer(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one HTTP request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            content = await self._do(scope["path"].removeprefix(PREFIX), json.loads(body or b"{}"))
            status = 200
        except (LookupError, ValueError) as error:
            content, status = {"error": str(error)}, 400
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})
