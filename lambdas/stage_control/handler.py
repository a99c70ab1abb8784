"""Entry point of the stage controller: actions `plan` and `commit`."""

from typing import Any

from lambdas.control import wiring
from lambdas.control.budget import Price
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from lambdas.control.stages import Work, parse_stage


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Plan or commit one stage; see `StageControl`."""
    control = wiring.stage_control()
    work = Work(parse_stage(event), Run.parse(event.get("run")), event.get("group"))
    if (work.group is not None) is not work.contract.per_group:
        raise BadInput(
            f"stage {work.stage} was given group {work.group!r}",
            remedy="deploy the application again",
        )
    price = Price.parse(event.get("price"))
    if event.get("action") == "plan":
        return control.plan(
            work, inputs=event.get("inputs") or {}, image=event.get("image"), price=price
        )
    if event.get("action") == "commit":
        return control.commit(
            work,
            plan=event.get("plan") or {},
            job=str(event.get("job") or ""),
            version=str(event.get("version") or ""),
            price=price,
        )
    raise BadInput(
        f"no such action: {event.get('action')!r}", remedy="deploy the application again"
    )
