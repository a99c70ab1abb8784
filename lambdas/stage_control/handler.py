"""Entry point of the stage controller: actions `plan` and `commit`."""

from typing import Any

from lambdas.control import wiring
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from lambdas.control.stages import parse_stage


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Plan or commit one stage; see `StageControl`."""
    control = wiring.stage_control()
    stage = parse_stage(event)
    run = Run.parse(event.get("run", {}))
    group = event.get("group")
    if event.get("action") == "plan":
        return control.plan(stage, run=run, group=group, inputs=event.get("inputs") or {})
    if event.get("action") == "commit":
        return control.commit(
            stage,
            run=run,
            group=group,
            plan=event["plan"],
            job=event["job"],
            usd_per_hour=float(event["usd_per_hour"]),
        )
    raise BadInput(
        f"no such action: {event.get('action')!r}", remedy="deploy the application again"
    )
