"""Entry point of the serving pointer: `flip` and `undo` by the pipeline, `rollback` by a person."""

from dataclasses import asdict
from typing import Any

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from lambdas.control.pointer import Pointers


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the pointer after the action; `changed` says whether a flip moved it."""
    pointers = Pointers(wiring.client("dynamodb"), table=Table.CONTROL.value.physical_name())
    action = event.get("action")
    if action == "flip":
        run = Run.parse(event.get("run", {}))
        before = pointers.read()
        after = pointers.flip(
            model_version=str(event["model_version"]),
            prefix=str(event["prefix"]),
            run_id=run.run_id,
        )
        changed = before.model_version != after.model_version or after.run_id == run.run_id
        wiring.ledger().put(run.run_id, "published", {"model_version": after.model_version})
        return asdict(after) | {"changed": changed}
    if action == "undo":
        return asdict(pointers.undo(event["flip"]))
    if action == "rollback":
        return asdict(pointers.roll_back())
    raise BadInput(f"no such action: {action!r}", remedy="use flip, undo or rollback")
